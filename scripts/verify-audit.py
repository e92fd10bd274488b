#!/usr/bin/env python3
"""Verifies an audit log of Sluice, from docs/audit-format.md alone: shares no code with the gateway. Python 3.8+.
Ends with 0: the log is what was written; 1: it is not, with the first entry that is wrong; 2: that cannot be told."""
import argparse, base64, collections, functools, glob, hashlib, json, os, re, sys
# --- Ed25519 (RFC 8032 §5.1.7), verification only -------------------------------------------------------------------
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def point(data):
    y, sign = int.from_bytes(data, 'little') & (2**255 - 1), data[31] >> 7
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - x2) % P else x
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P) if y < P and (x * x - x2) % P == 0 and x < P else None
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P
def times(s, p):
    return (0, 1, 1, 0) if s == 0 else add(times(s - 1, p), p) if s & 1 else times(s // 2, add(p, p))
def ed25519(key, message, signature):
    s = int.from_bytes(signature[32:], 'little')
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little') % L
    p, q = times(s % L, point(bytes([88] + [102] * 31))), add(point(signature[:32]), times(h, point(key)))
    return s < L and len(signature) == 64 and all((p[i] * q[2] - q[i] * p[2]) % P == 0 for i in (0, 1))
# --- Signed notes and checkpoints -----------------------------------------------------------------------------------
Note = collections.namedtuple('Note', 'whole text signatures origin size root')
def sha(data):
    return hashlib.sha256(data).digest()
def attempt(act):
    try:
        return act()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
def b64(text, least=5, most=1000):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text or not least <= len(data) <= most:
        raise ValueError('not what base64 is expected to be')
    return data
def read_key(text):
    name, ident, raw = re.match(r'([^\s+]+)\+([0-9a-f]{8})\+(AQ?\S{42,})\Z', text.strip()).groups()
    if sha(name.encode() + b'\n' + b64(raw, 33, 33))[:4].hex() != ident:
        raise ValueError('not a key: NAME+ID+KEY')
    return name, bytes.fromhex(ident), b64(raw)[1:]
def read_note(whole, head=None):
    text, lines = whole.rsplit('\n\n', 1)
    rows = [re.match(r'— (\S+) (\S+)\Z', line).groups() for line in lines[:-1].split('\n')]
    origin, size, root = (head or text).split('\n')[:3]
    if lines[-1:] != '\n' or not origin or not re.match(r'(0|[1-9]\d{0,15})\Z', size, re.A):
        raise ValueError('not a signed note of a checkpoint')
    return Note(whole, text + '\n', [(name, b64(sig)) for name, sig in rows], origin, int(size), b64(root, 32, 32))
def is_signed(note, keys):
    return any((name, data[:4]) == key[:2] and attempt(lambda: ed25519(key[2], note.text.encode(), data[4:]))
               for key in keys for name, data in note.signatures)
# --- The log --------------------------------------------------------------------------------------------------------
class Tampered(Exception): pass  # seq, kind, detail
def need(is_right, seq, kind, detail):
    if not is_right:
        raise Tampered(seq, kind, detail)
def parents(row):
    return [sha(b'\x01' + row[at] + row[at + 1]) for at in range(0, len(row) - 1, 2)]
def canonical(entry):
    fields = dict(sorted(entry.items(), key=lambda item: item[0].encode('utf-16-be')))
    is_flat = all(type(value) in (str, int, bool) for value in fields.values())
    return is_flat and json.dumps(fields, separators=(',', ':'), ensure_ascii=False).encode()
class Log:
    def __init__(self, path, key, anchors):
        self.path, self.anchors, self.trusted, self.named = os.path.abspath(path), anchors, [key] if key else [], []
        self.before = self.previous = self.last = self.origin = self.elsewhere = None
        self.leaves, self.parts, self.bad, self.missing, self.repairs = [], [], [], [], []
        self.kept, self.good, self.anchored, self.signed = collections.deque(), 0, 0, 0
    def read(self, name):
        path = os.path.join(self.path, name)
        return open(path, 'rb').read() if os.path.isfile(path) else b''
    def root(self):
        return functools.reduce(lambda right, left: parents([left, right])[0], reversed(self.parts))
    def tile(self, level, index):
        digits = '%0*d' % (-(-len(str(index)) // 3) * 3, index)
        path = os.path.join(self.path, 'tile', str(level), re.sub(r'(\d{3})(?=\d)', r'x\1/', digits))
        parts = sorted(glob.glob(path + '.p/*'), key=lambda part: int(os.path.basename(part)))
        return self.read(path) or self.read((parts or [path])[-1])
    def unforged(self, is_right, kind, detail, seq=None, good=None):  # else: the first that the tree on disk has not
        good = self.good if good is None else good
        for at in range(good, 0 if is_right else len(self.leaves)):
            need(self.tile(0, at // 256)[at % 256 * 32:][:32] in (b'', self.leaves[at]), at + 1, kind, detail)
        need(is_right, seq or good + 1, kind, detail)
    def is_stated(self):
        note = attempt(lambda: read_note(self.read('integrity.json').decode(), 'x\n0\n' + 'A' * 43 + '='))
        return not self.trusted or note is not None and is_signed(note, self.trusted)
    def entry(self, line, following, before):
        seq, own, prev = len(self.leaves) + 1, line.find(b'"entry_hash":"'), line.find(b'"prev_hash":"')
        is_one = min(own, prev, line.find(b'"seq":')) >= 0 and line[own + 78:own + 80] == b'",' and len(line) <= 65536
        need(is_one, seq, 'syntax', 'no entry')
        name, prev = line[own + 14:own + 78].decode('latin-1'), line[prev + 13:prev + 77].decode('latin-1')
        need(sha(line[:own] + line[own + 80:]).hex() == name, seq, 'hash', 'the entry is not the one that was written')
        entry = attempt(lambda: json.loads(line))
        need(attempt(lambda: canonical(entry)) == line, seq, 'syntax', 'no entry')
        kind, origin = entry.get('type'), entry.get('origin')
        is_instead = entry['seq'] == seq - 1 and prev == self.before and name != self.previous
        self.unforged(entry['seq'] == seq, 'sequence', 'entry %s stands there' % entry['seq'], seq - is_instead)
        if before is not None:
            self.elsewhere = entry.get('state')
            need(kind == 'segment' and origin, seq, 'syntax', 'the file does not begin as one of a log')
            self.previous = self.previous or sha(('sluice-audit-v1\n%s\n' % origin).encode()).hex()
            self.origin = self.origin or origin
            need(origin == self.origin, seq, 'origin', 'it is of another log')
        is_linked = seq > 1 and b'"prev_hash":"%s"' % name.encode() in following
        self.unforged(prev == self.previous, 'chain', 'the entry does not follow the one before it', seq - is_linked)
        need(not before or entry.get('previous_file') in ('', before), seq, 'segment_digest', 'another file before')
        if kind in ('segment', 'key') and 'key' in entry:
            self.named.append((seq, read_key(entry['key'])))
            self.trusted = self.trusted or [self.named[0][1]]
        elif kind == 'checkpoint':
            is_right = entry['size'] != seq - 1 or entry['root'] == self.root().hex()
            self.unforged(is_right, 'checkpoint_root', 'the entries are not those of it')
            if not self.last or (self.last.size, self.last.root.hex()) != (entry['size'], entry['root']):
                self.missing.append(entry['size'])
        elif kind == 'repair':
            self.repairs.append(entry)
            self.missing = [size for size in self.missing if size > entry.get('checkpoints_lost_to', 0)]
        self.before, self.previous, rest = prev, name, seq
        self.leaves.append(sha(b'\x00' + bytes.fromhex(name)))
        self.parts.append(self.leaves[-1])
        while rest % 2 == 0:
            self.parts[-2:], rest = parents(self.parts[-2:]), rest // 2
        while self.kept and self.kept[0].size <= seq:
            note = self.kept.popleft()
            if note.size < seq or note.origin != self.origin or not is_signed(note, self.trusted):
                self.bad.append(note.size)
            else:
                self.unforged(note.root == self.root(), 'checkpoint_root', 'the entries are not those of it')
                self.last, self.good, self.signed = note, seq, seq
                self.trusted += [key for named, key in self.named if named == seq and key not in self.trusted]
        is_known = self.state.get('seq') != seq or self.state.get('hash') == name
        self.unforged(is_known or not self.is_stated(), 'state', 'another entry was known')
        for anchor in [each for each in self.anchors if (each.size, each.origin) == (seq, self.origin)]:
            need(is_signed(anchor, self.trusted), seq, 'anchor', 'the anchor is not signed by the key')
            self.unforged(anchor.root == self.root(), 'anchor', 'the entries are not those of it', None, self.anchored)
            self.good = self.anchored = seq
    def tree(self, row, level, width):
        for at in range(self.signed // width):
            tile = self.tile(level, at // 256) if at % 256 == 0 else tile
            need(tile[at % 256 * 32:][:32] == row[at], at * width + 1, 'tree', 'the tree on disk is another one')
        return row and self.tree(functools.reduce(lambda row, _: parents(row), range(8), row), level + 1, width * 256)
    def beside(self, raw, size):  # checkpoints, anchors, the state
        origin = self.origin or self.state.get('origin')
        for note in [*self.anchors, *self.kept]:
            is_ours = note.origin == origin and (not self.trusted or is_signed(note, self.trusted))
            if note.size > size and (is_ours or note in self.anchors and note.origin == origin):
                yield size + is_ours, 'truncated' if is_ours else 'anchor', 'it is of %d entries' % note.size
            self.bad += [note.size] if note in self.kept and not (is_ours and note.size > size) else []
        kind = 'checkpoint_signature' if self.bad else 'checkpoint_missing'
        for seq in (self.missing + self.bad)[:1]:
            yield seq or size, kind, 'a checkpoint is not what was signed, or not there'
        note = attempt(lambda: read_note(self.read('checkpoint').decode()))
        is_last = note and is_signed(note, self.trusted) and (note.size, note.root) >= (self.last or note)[4:]
        if self.last and not is_last:
            yield self.last.size, 'checkpoint_signature', 'the file is not the last checkpoint'
        is_ours = self.state.get('origin') == origin and self.is_stated()
        if not (self.elsewhere and not raw) and not (is_ours and self.state['seq'] <= size):
            yield size + bool(is_ours), 'truncated' if is_ours else 'state', 'integrity.json tells another story'
    def verify(self):
        raw, before = self.read('integrity.json').decode('utf-8', 'replace'), ''
        for line in self.read('checkpoints.jsonl').decode('utf-8', 'replace').split('\n')[:-1]:
            note = attempt(lambda: read_note(json.loads(line)['note']))
            (self.kept if note else self.bad).append(note or 0)
        self.state = attempt(lambda: dict(json.loads(raw.split('\n')[0]))) or {}
        names = sorted(name for name in os.listdir(self.path) if re.match(r'segment-\d{16}\.jsonl\Z', name, re.A))
        for name in names:
            seq, first, lines = len(self.leaves) + 1, int(name[8:24]), self.read(name).split(b'\n')
            need(first == seq, min(first, seq), 'segment_missing' if first > seq else 'segment_order', name)
            for at, line in enumerate(lines[:-1]):
                self.entry(line, lines[at + 1], None if at else before)
            need(not lines[-1] or name == names[-1], len(self.leaves) + 1, 'torn', 'the last line is not whole')
            before = sha(self.read(name)).hex()
        for found in sorted(self.beside(raw, len(self.leaves)) if names or raw or self.kept else []):
            raise Tampered(*found)
        _ = os.path.isdir(os.path.join(self.path, 'tile')) and self.tree(self.leaves, 0, 1)
        return len(self.leaves)
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('directory')
    parser.add_argument('--key', help='the public key, NAME+ID+KEY; else what the log says it is')
    parser.add_argument('--anchor', action='append', default=[], help='a file with a checkpoint kept elsewhere')
    args = parser.parse_args()
    try:
        anchors = [read_note(open(name, encoding='utf-8').read()) for name in args.anchor]
        log = Log(args.directory, args.key and read_key(args.key), anchors)
        size = log.verify()
    except Tampered as found:
        return 1, 'tampered: entry %d, %s: %s' % found.args
    except (OSError, ValueError, AttributeError) as error:
        return 2, 'unable to verify: %s' % error
    lines = ['passed: %d entries, signed up to %d, anchored up to %d' % (size, log.signed, log.anchored)]
    lines += ['REPAIRED at entry %d: %s' % (each['seq'], each.get('detail', '')) for each in log.repairs]
    lines += ['UNANCHORED TAIL: truncation after entry %d cannot be excluded' % log.anchored] * (log.anchored < size)
    return (0, '\n'.join(lines)) if size else (2, 'unable to verify: there are no entries')
if __name__ == '__main__':
    code, text = main()
    sys.exit(print(text) or code)
