"""A decoder of traces that was written from specs/trace-format.md alone, and shares no code with `ana`.

    decode.py TRACE DUMP    whether the trace has the events that DUMP has, which `ana dump -f jsonl` wrote

It is slow and reads sound traces only. What it cannot account for, to the byte, is an error: then this file, the
document or the writer is wrong.
"""

import collections
import json
import struct
import sys

MAGIC = b"\x89REC"
PLAIN = {1: 1, 2: 2, 3: 4, 4: 8, 5: 1, 6: 2, 7: 4, 8: 8, 9: 8, 10: 4, 11: 4, 12: 4}
SIGNED = {5, 6, 7, 8}
U8, U16, U32, U64, S32, S64, STRING, STACK, MAPPING, TEXT = 1, 2, 3, 4, 7, 8, 10, 11, 12, 13
WORD = (1 << 64) - 1
DICTIONARIES = {5, 6, 7, 8}
COLUMNS = {
    2: [TEXT, TEXT],
    3: [U16, TEXT, TEXT, TEXT, U8, U8, U32],
    4: [U32, S64, TEXT],
    5: [TEXT],
    6: [U8, STRING, TEXT, U64, U32],
    7: [MAPPING, U64],
    8: [STACK, U32, U8],
    9: [U32, U8, STRING, STRING, STRING, U32, U64],
    10: [S32, U32, STRING],
    13: [U64, U32, U8, U16, U32, U32, U64, U64],
}


def need(condition, what):
    if not condition:
        raise ValueError(what)


def crc32c(data, table=[]):
    if not table:
        for i in range(256):
            for _ in range(8):
                i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
            table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def unzigzag(z):
    return z >> 1 ^ -(z & 1)


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "data ends early")
        self.at += n
        return self.data[self.at - n : self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def varint(self):
        value = shift = 0
        while True:
            b = self.byte()
            value |= (b & 127) << shift
            shift += 7
            if not b & 128:
                need(value <= WORD and shift <= 70, "varint of more than 64 bits")
                return value

    def end(self):
        need(self.at == len(self.data), f"{len(self.data) - self.at} bytes behind the end")


def lz4(data, size):
    """The raw block format: a token, literals, a distance back, a length."""
    b, out = Bytes(data), bytearray()

    def length(n):
        while n >= 15:
            more = b.byte()
            n += more
            if more < 255:
                break
        return n

    while b.at < len(data):
        token = b.byte()
        out += b.take(length(token >> 4))
        if b.at == len(data):
            break
        back = b.number(2)
        need(0 < back <= len(out), "LZ4: a distance beyond the beginning")
        for _ in range(length(token & 15) + 4):
            out.append(out[-back])
    need(len(out) == size, "LZ4: not the length that was told")
    return bytes(out)


class Bits:
    def __init__(self, b):
        self.b, self.value, self.n = b, 0, 0

    def take(self, n):
        while self.n < n:
            self.value |= self.b.byte() << self.n
            self.n += 8
        v = self.value & ((1 << n) - 1)
        self.value >>= n
        self.n -= n
        return v

    def end(self):
        need(self.value == 0, "padding is not zero")


def packed(b, n):
    out = []
    while len(out) < n:
        base, width, bits = b.varint(), b.byte(), Bits(b)
        need(width <= 64, "packed in more than 64 bits")
        out += [base + bits.take(width) for _ in range(min(128, n - len(out)))]
        bits.end()
    return out


class Huffman:
    """Canonical: codes of one length are consecutive in order of symbol, shorter ones come first."""

    def __init__(self, lengths):
        self.codes, code = {}, 0
        need(max(lengths) <= 12, "a code of more than 12 bits")
        for length in range(1, 13):
            for symbol, own in enumerate(lengths):
                if own == length:
                    self.codes[length, code] = symbol
                    code += 1
            code <<= 1
        used = sum(2.0**-length for length in lengths if length)
        need(used == 1 or list(lengths).count(0) == len(lengths) - 1, "no complete code")

    def next(self, bits):
        code = 0
        for length in range(1, 13):
            code = code << 1 | bits.take(1)
            if (length, code) in self.codes:
                return self.codes[length, code]
        raise ValueError("no such code")


def residuals(b, encoding, n, plain):
    if encoding == 0:
        return [b.number(plain) for _ in range(n)]
    if encoding == 1:
        return [0] * n
    if encoding == 2:
        return packed(b, n)
    if encoding == 3:
        width = b.byte()
        return [b.number(width) for _ in range(n)]
    if encoding == 4:
        first, last = b.byte(), b.byte()
        code, bits, out = Huffman(packed(b, last - first + 1)), Bits(b), []
        for _ in range(n):
            k = first + code.next(bits)
            out.append(k if k < 2 else 1 << (k - 1) | bits.take(k - 1))
        bits.end()
        return out
    if encoding == 5:
        m = b.varint()
        table, value = [], 0
        for difference in packed(b, m):
            value += difference
            table.append(value)
        code, bits = Huffman(packed(b, m)), Bits(b)
        out = [table[code.next(bits)] for _ in range(n)]
        bits.end()
        return out
    if encoding == 6:
        out = []
        while len(out) < n:
            m = b.byte()
            values = packed(b, m)
            for value, length in zip(values, packed(b, m)):
                out += [value] * length
        need(len(out) == n, "runs beyond the last row")
        return out
    raise ValueError(f"encoding {encoding}")


def column(b, head, n, type_, earlier):
    encoding, predictor = head & 15, head >> 4 & 7
    if encoding == 8:
        need(type_ == TEXT and predictor == 0, "text that is none")
        return [b.take(length) for length in packed(b, n)]
    if encoding == 7:
        need(predictor == 0 and not head & 128, "follow with a predictor")
        of = earlier[b.byte()]
        order = list(dict.fromkeys(of))
        value = dict(zip(order, packed(b, len(order))))
        return [value[v] for v in of]
    base = b.varint()
    if predictor == 0:
        return [base + r & WORD for r in residuals(b, encoding, n, PLAIN[type_])]
    step = unzigzag(b.varint())
    values = [base]
    for r in residuals(b, encoding, n - 1, PLAIN[type_]) if n > 1 else []:
        values.append(values[-1] + step + (r if predictor == 1 else unzigzag(r)) & WORD)
    return values


def table(payload, n_columns, n, types):
    """Columns of unsigned numbers, or of texts."""
    b, heads, columns = Bytes(payload), [], []
    for _ in range(n_columns):
        head = b.byte()
        heads.append((head, b.varint(), b.varint() if head & 128 else None))
    for (head, size, unpacked), type_ in zip(heads, types):
        data = b.take(size)
        data = Bytes(data if unpacked is None else lz4(data, unpacked))
        columns.append(column(data, head, n, type_, columns))
        data.end()
    if len(types) == n_columns:
        b.end()
    return columns


def value_of(type_, v):
    if type_ in SIGNED:
        v = unzigzag(v)
    elif type_ == 9:
        return struct.unpack("<d", struct.pack("<Q", v))[0]
    bits = 8 * PLAIN.get(type_, 8)
    low = -(1 << bits - 1) if type_ in SIGNED else 0
    need(low <= v < low + (1 << bits), "a value beyond its type")
    return v


class Segment:
    def __init__(self):
        self.strings, self.mappings, self.frames, self.stacks = {0: b""}, {}, {}, {}
        self.names, self.types, self.enums, self.blocks, self.events = {}, {}, {}, [], []
        self.bytes = 0
        self.last = {kind: 0 for kind in DICTIONARIES}

    def dictionary(self, kind, first, last, rows):
        need(first == self.last[kind] + 1 and last == first + len(rows) - 1, "numbers of a dictionary")
        self.last[kind] = last
        {5: self.strings, 6: self.mappings, 7: self.frames, 8: self.stacks}[kind].update(
            (first + i, row[0] if kind == 5 else row) for i, row in enumerate(rows)
        )

    def check_stacks(self, first, rows):
        for number, (parent, frame, flags) in enumerate(rows, first):
            need(parent < number, "a stack in front of its parent")
            need(frame == 0 if parent == 0 else flags == 0, "a root with a frame, or flags that are no root's")
            need(flags & 8 or not flags & (64 | 128), "why it was cut, of a stack that was not")

    def schema(self, rows):
        for number, name, unit, doc, field, show, enum in rows:
            if field == 0:
                declared = self.types[number] = (name.decode(), [])
            else:
                declared[1].append((name.decode(), field, show, enum))

    def take(self, kind, header, payload):
        magic, crc, stored, number, _, must, may, zero, type_, n_columns, stream, count, first, last = header
        need(must == may == zero == 0, "flags")
        if kind == 11:
            types = [f[1] for f in self.types[type_][1]]
            need(len(types) == n_columns and count, "columns of events")
            columns = [[value_of(t, v) for v in c] for t, c in zip(types, table(payload, n_columns, count, types))]
            need(columns[0] == sorted(columns[0]) and (columns[0][0], columns[0][-1]) == (first, last), "times")
            self.events += [(type_, row) for row in zip(*columns)]
        elif kind in COLUMNS:
            types = COLUMNS[kind]
            columns = table(payload, n_columns, count, types)
            columns = [c if t == TEXT else [value_of(t, v) for v in c] for t, c in zip(types, columns)]
            rows = list(zip(*columns))
            if kind == 8:
                self.check_stacks(first, rows)
            if kind in DICTIONARIES:
                self.dictionary(kind, first, last, rows)
            elif kind == 3:
                self.schema(rows)
            elif kind == 4:
                for enum, value, name in rows:
                    self.enums.setdefault(enum, []).append((value, name.decode()))
            elif kind == 9:
                for frame, depth, name, *_ in rows:
                    self.names.setdefault(frame, {})[depth] = name
            elif kind == 13:
                return rows
        elif kind == 1:
            need(len(payload) == 40 and payload[:2] == b"\1\0" and first == int.from_bytes(payload[8:16], "little"), "SEGMENT")
        else:
            need(kind in (12, 14), f"kind {kind}")
        return []


def segments(data):
    at, current, listed = 0, None, []
    while at < len(data):
        header = struct.unpack("<4sIIIBBBBHHIIQQ", data[at : at + 48])
        magic, crc, stored, number, kind = header[:5]
        need(magic == MAGIC and crc32c(data[at + 8 : at + 48 + stored]) == crc, f"block at {at}")
        if kind == 1:
            current, listed, own = Segment(), [], number
        need(number == own, "number of the segment")
        payload = data[at + 48 : at + 48 + stored]
        listed += current.take(kind, header, payload)
        if kind not in (13, 14):
            current.blocks.append((current.bytes, stored, kind, header[8], header[10], header[11], header[12], header[13]))
        elif kind == 14:
            whole, index = struct.unpack("<QQ", payload)
            need(whole == current.bytes + 48 + stored, "length of the segment")
            need(listed == current.blocks, "index")
            yield current
        current.bytes += 48 + stored
        at += 48 + stored


# ---- as `ana dump` shows it ----


def visible(raw):
    return raw.replace(b"\0", b" ").decode("utf-8")


def frame_names(s, frame):
    names = s.names.get(frame, {})
    if any(names.values()):
        return [visible(s.strings[names[d]]) for d in sorted(names)]
    mapping, address = s.frames[frame]
    path = visible(s.strings[s.mappings[mapping][1]]).rsplit("/", 1)[-1] if mapping else ""
    return [f"{path}+{address:#x}" if path else f"{address:#x}"]


def stack(s, node):
    frames = []
    while node and s.stacks[node][0]:
        frames.append(s.stacks[node][1])
        node = s.stacks[node][0]
    return [name for frame in reversed(frames) for name in frame_names(s, frame)]


def shown(s, field, v):
    _, type_, show, enum = field
    if type_ == STACK:
        return stack(s, v)
    if type_ == MAPPING:
        return visible(s.strings[s.mappings[v][1]]) if v else ""
    if type_ == STRING:
        return visible(s.strings[v])
    if show == 1:
        return f"{v:#x}"
    if show == 2:
        return dict(s.enums.get(enum, [])).get(v, v)
    if show == 3 and enum in s.enums:
        set_bits, left = [], v
        if not v and 0 in dict(s.enums[enum]):
            return dict(s.enums[enum])[0]
        for mask, name in s.enums[enum]:
            if mask and left & mask == mask:
                set_bits.append(name)
                left &= ~mask
        return "|".join(set_bits + ([f"{left:#x}"] if left or not set_bits else []))
    return v


def events(data):
    for s in segments(data):
        for type_, row in s.events:
            name, fields = s.types[type_]
            values = {f[0]: shown(s, f, v) for f, v in zip(fields[1:], row[1:])}
            yield {"version": 1, "time": row[0], "event": name, "fields": values}


def main():
    with open(sys.argv[1], "rb") as f:
        ours = collections.Counter(json.dumps(e, sort_keys=True) for e in events(f.read()))
    with open(sys.argv[2], encoding="utf-8") as f:
        theirs = collections.Counter(json.dumps(json.loads(line), sort_keys=True) for line in f)
    for line in list((ours - theirs).elements())[:3]:
        print(f"not in the dump: {line}")
    for line in list((theirs - ours).elements())[:3]:
        print(f"only in the dump: {line}")
    print(f"{sum(ours.values())} events of {len({json.loads(e)['event'] for e in ours})} types")
    return ours != theirs


sys.exit(main())
