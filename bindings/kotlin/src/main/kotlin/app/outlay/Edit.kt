package app.outlay

import app.outlay.ffi.Edit as NativeEdit
import app.outlay.ffi.OptionalId
import app.outlay.ffi.OptionalReference
import app.outlay.ffi.OptionalTime
import java.time.LocalDate
import java.time.LocalTime
import kotlin.reflect.KProperty

/** What an edit changes of an entry: what is assigned. What is not stays as it is; `null` clears what may be empty. */
public class Edit internal constructor() {
    private val newCategory = Clearable<Reference>()
    private val newAccount = Clearable<Reference>()
    private val newToAccount = Clearable<Reference>()
    private val newTime = Clearable<LocalTime>()
    private val newRefundOf = Clearable<DocumentId>()

    /** What it does. */
    public var kind: EntryKind? = null

    /** How much. */
    public var amount: Money? = null

    /** Who was paid; empty clears. */
    public var payee: String? = null

    /** Its date. */
    public var date: LocalDate? = null

    /** A note; empty clears. */
    public var note: String? = null

    /** All its tags: others are taken off. */
    public var tags: List<String>? = null

    /** Its category. */
    public var category: Reference? by newCategory

    /** The account; of a transfer, the one that gives. */
    public var account: Reference? by newAccount

    /** Of a transfer, the account that gets. */
    public var toAccount: Reference? by newToAccount

    /** Its local time. */
    public var time: LocalTime? by newTime

    /** The expense that this one refunds. */
    public var refundOf: DocumentId? by newRefundOf

    internal fun native(): NativeEdit = NativeEdit(
        kind = kind,
        amount = amount,
        payee = payee,
        category = newCategory.change(OptionalReference.Nothing, OptionalReference::To),
        account = newAccount.change(OptionalReference.Nothing, OptionalReference::To),
        toAccount = newToAccount.change(OptionalReference.Nothing, OptionalReference::To),
        date = date,
        time = newTime.change(OptionalTime.Nothing, OptionalTime::To),
        note = note,
        tags = tags,
        refundOf = newRefundOf.change(OptionalId.Nothing) { OptionalId.To(it) },
    )
}

/** A property that knows whether it was assigned. */
private class Clearable<T : Any> {
    private var isAssigned = false
    private var value: T? = null

    operator fun getValue(edit: Edit, property: KProperty<*>): T? = value

    operator fun setValue(edit: Edit, property: KProperty<*>, to: T?) {
        isAssigned = true
        value = to
    }

    fun <C> change(nothing: C, to: (T) -> C): C? = if (isAssigned) value?.let(to) ?: nothing else null
}
