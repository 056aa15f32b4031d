//! The packed part of a batch: columns with their lengths, in one zstd frame unless that would be longer.
//!
//! Both ends are bounded. The frame claims no size; it is unpacked piece by piece until it ends or the limit is passed,
//! and one that asks for a greater window than [`WINDOW_LOG`] is refused before anything is allocated for it.

use std::io::{Read, Write};

use zstd::stream::{read, write};

use super::BatchError;
use super::columns::{FIXED, Input, put_uint};

/// Of a batch of a thousand expenses, 3 makes 1 % more and takes 0.3 µs less for each, 19 makes 0.3 % less and takes 4 µs
/// more.
const LEVEL: i32 = 6;
/// Matches reach back 1 MiB, which is also what a reader holds beside the output.
const WINDOW_LOG: u32 = 20;
/// From this many bytes on a column gets symbol statistics of its own: two bytes less for each of a thousand expenses. They
/// take some 60 bytes to write down.
const OWN_BLOCK_BYTES_MIN: usize = 512;
/// Bytes of a bit for each fixed column.
const BITS_BYTES: usize = FIXED.div_ceil(8);

/// What a reader has before the first byte of the frame: what nearly every batch begins with, so that a batch of one commit
/// need not say it. Part of version 2.
const PREFIX: &[u8] = include_bytes!("prefix.bin");

/// How the columns are there.
mod form {
    /// As they are.
    pub(super) const STORED: u8 = 0;
    /// In one zstd frame, after [`super::PREFIX`].
    pub(super) const ZSTD: u8 = 1;
}

/// The packed part of version 2: its form, its length, and the columns with their lengths.
pub(super) fn pack(columns: &[Vec<u8>]) -> Result<Vec<u8>, BatchError> {
    let lengths = lengths(columns);
    let total = lengths.len() + columns.iter().map(Vec::len).sum::<usize>();
    let packed = compress(&lengths, columns, total).map_err(|_| BatchError::Compression)?;
    let mut out = Vec::with_capacity(packed.len() + 5);
    if packed.len() < total {
        out.push(form::ZSTD);
        put_uint(&mut out, packed.len() as u64);
        out.extend(packed);
    } else {
        out.push(form::STORED);
        put_uint(&mut out, total as u64);
        out.extend(lengths);
        out.extend(columns.concat());
    }
    Ok(out)
}

/// A bit for each fixed column that is not empty, the lowest first, and the lengths of these; then the number of the other
/// columns and the length of each.
fn lengths(columns: &[Vec<u8>]) -> Vec<u8> {
    let (fixed, others) = columns.split_at(columns.len().min(FIXED));
    let mut bits = [0_u8; BITS_BYTES];
    for (at, _) in fixed.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        bits[at / 8] |= 1 << (at % 8);
    }
    let mut lengths = bits.to_vec();
    fixed.iter().filter(|column| !column.is_empty()).for_each(|column| put_uint(&mut lengths, column.len() as u64));
    put_uint(&mut lengths, others.len() as u64);
    others.iter().for_each(|column| put_uint(&mut lengths, column.len() as u64));
    lengths
}

fn compress(lengths: &[u8], columns: &[Vec<u8>], total: usize) -> std::io::Result<Vec<u8>> {
    let mut encoder = write::Encoder::with_ref_prefix(Vec::new(), LEVEL, PREFIX)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.set_pledged_src_size(Some(total as u64))?;
    encoder.include_contentsize(false)?;
    encoder.write_all(lengths)?;
    for column in columns {
        let has_own_block = column.len() >= OWN_BLOCK_BYTES_MIN;
        if has_own_block {
            encoder.flush()?;
        }
        encoder.write_all(column)?;
        if has_own_block {
            encoder.flush()?;
        }
    }
    encoder.finish()
}

/// Reads the packed part of version 2 from the front of `input`: the columns with their lengths, at most `bytes_max` bytes.
pub(super) fn unpack(input: &mut Input<'_>, bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    let [form] = input.array()?;
    let length = input.length()?;
    let packed = input.take(length)?;
    match form {
        form::STORED if packed.len() > bytes_max => Err(BatchError::TooBig),
        form::STORED => Ok(packed.to_vec()),
        form::ZSTD => decompress(packed, PREFIX, bytes_max),
        _ => Err(BatchError::Malformed),
    }
}

/// The same of version 1, which had no prefix and always a frame.
pub(super) fn unpack_1(input: &mut Input<'_>, bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    let length = input.length()?;
    decompress(input.take(length)?, &[], bytes_max)
}

/// Decompresses one frame that is all of `packed` into at most `bytes_max` bytes.
fn decompress(packed: &[u8], prefix: &[u8], bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    let mut bytes = Vec::new();
    let rest = read_frame(packed, prefix, bytes_max, &mut bytes).map_err(|_| BatchError::Compression)?;
    if bytes.len() > bytes_max {
        return Err(BatchError::TooBig);
    }
    if rest == 0 { Ok(bytes) } else { Err(BatchError::Spare) }
}

/// Appends what the frame holds, one byte more than the limit at most, and says how many bytes follow the frame.
fn read_frame(packed: &[u8], prefix: &[u8], bytes_max: usize, bytes: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut decoder = match prefix {
        [] => read::Decoder::with_buffer(packed)?,
        prefix => read::Decoder::with_ref_prefix(packed, prefix)?,
    }
    .single_frame();
    decoder.window_log_max(WINDOW_LOG)?;
    (&mut decoder).take((bytes_max as u64).saturating_add(1)).read_to_end(bytes)?;
    decoder.finish_frame()?;
    Ok(decoder.get_ref().len())
}

/// Splits what [`unpack`] gave into its columns, of which there may not be more than `columns_max` beside the fixed ones.
pub(super) fn columns(bytes: &[u8], columns_max: usize) -> Result<Vec<&[u8]>, BatchError> {
    let mut input = Input(bytes);
    let bits: [u8; BITS_BYTES] = input.array()?;
    let is_there = |at: usize| bits.get(at / 8).is_some_and(|byte| byte & 1 << (at % 8) != 0);
    if (FIXED..BITS_BYTES * 8).any(is_there) {
        return Err(BatchError::Malformed);
    }
    let mut lengths = Vec::with_capacity(FIXED);
    for at in 0..FIXED {
        lengths.push(if is_there(at) { input.length()? } else { 0 });
    }
    split(input, lengths, columns_max)
}

/// The same of version 1, which had a length for every column.
pub(super) fn columns_1(bytes: &[u8], columns_max: usize) -> Result<Vec<&[u8]>, BatchError> {
    split(Input(bytes), Vec::new(), columns_max + FIXED)
}

/// Reads the lengths that follow, and the columns.
fn split(mut input: Input<'_>, mut lengths: Vec<usize>, columns_max: usize) -> Result<Vec<&[u8]>, BatchError> {
    let count = input.length()?;
    if count > columns_max {
        return Err(BatchError::TooBig);
    }
    for _ in 0..count {
        lengths.push(input.length()?);
    }
    let columns = lengths.into_iter().map(|length| input.take(length)).collect::<Result<Vec<_>, _>>()?;
    input.end()?;
    Ok(columns)
}
