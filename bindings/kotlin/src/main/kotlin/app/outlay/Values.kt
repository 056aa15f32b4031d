package app.outlay

import java.math.BigDecimal

/** A ledger: 32 hexadecimal digits. */
@JvmInline
public value class LedgerId(public val hex: String) {
    override fun toString(): String = hex
}

/** An entry, an account, a category or another thing of a ledger: 32 hexadecimal digits. */
@JvmInline
public value class DocumentId(public val hex: String) {
    override fun toString(): String = hex
}

/** A person in a ledger: 32 hexadecimal digits. */
@JvmInline
public value class MemberId(public val hex: String) {
    override fun toString(): String = hex
}

/** A device: the 64 hexadecimal digits of its public key. */
@JvmInline
public value class DeviceKey(public val hex: String) {
    override fun toString(): String = hex
}

/** A commit: 64 hexadecimal digits. */
@JvmInline
public value class CommitId(public val hex: String) {
    override fun toString(): String = hex
}

/** What somebody did in one go: 16 hexadecimal digits. */
@JvmInline
public value class ActionId(public val hex: String) {
    override fun toString(): String = hex
}

/** A file of an entry: the 64 hexadecimal digits of its hash. */
@JvmInline
public value class BlobHash(public val hex: String) {
    override fun toString(): String = hex
}

/**
 * An ISO 4217 currency: three capital letters.
 *
 * It is no `java.util.Currency`, because a ledger may have one that the platform's table does not know yet.
 */
@JvmInline
public value class Currency(public val code: String) {
    /** The platform's currency, which has a symbol and a name to show; absent if its table lacks it. */
    public val platform: java.util.Currency?
        get() = try {
            java.util.Currency.getInstance(code)
        } catch (_: IllegalArgumentException) {
            null
        }

    override fun toString(): String = code
}

/**
 * An amount in one currency: a decimal, never a float.
 *
 * Two are equal when they are as much in the same currency: `Money("3.4", "EUR")` is `Money("3.40", "EUR")`.
 */
public class Money(public val amount: BigDecimal, public val currency: Currency) : Comparable<Money> {
    /** From texts: `Money("12.50", "EUR")`. Throws [NumberFormatException] if the first is no number. */
    public constructor(amount: String, currency: String) : this(BigDecimal(amount), Currency(currency))

    /** The sum. Throws [IllegalArgumentException] for another currency. */
    public operator fun plus(other: Money): Money = Money(amount + same(other), currency)

    /** The difference. Throws [IllegalArgumentException] for another currency. */
    public operator fun minus(other: Money): Money = Money(amount - same(other), currency)

    /** As much in the other direction. */
    public operator fun unaryMinus(): Money = Money(amount.negate(), currency)

    /** Which is more. Throws [IllegalArgumentException] for another currency. */
    override fun compareTo(other: Money): Int = amount.compareTo(same(other))

    override fun equals(other: Any?): Boolean =
        other is Money && currency == other.currency && amount.compareTo(other.amount) == 0

    override fun hashCode(): Int = 31 * amount.stripTrailingZeros().hashCode() + currency.hashCode()

    override fun toString(): String = "${amount.toPlainString()} $currency"

    private fun same(other: Money): BigDecimal {
        require(currency == other.currency) { "$currency and ${other.currency} are different currencies" }
        return other.amount
    }
}
