#!/usr/bin/env python3
"""Verifies an audit log of Sluice, from docs/audit-format.md alone: shares no code with the gateway.

    verify-audit.py DIRECTORY [--key NAME+ID+KEY] [--anchor FILE]...

Python 3.8 or later, nothing else. Ends with 0 where the log is what was written, 1 where it is not (the first entry
that is wrong and why), 2 where that cannot be told.
"""
import argparse, base64, hashlib, json, os, re, sys

HEX = re.compile(r'^[0-9a-f]{64}$')

def sha(data):
    return hashlib.sha256(data).digest()

# --- Ed25519 (RFC 8032 §5.1.7), verification only -------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def recover(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - x2) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x

def point(data):
    y = int.from_bytes(data, 'little')
    x = recover(y & (2**255 - 1), y >> 255)
    return None if x is None else (x, y & (2**255 - 1), 1, x * (y & (2**255 - 1)) % P)

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)

def times(s, p):
    q = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = add(q, p)
        p, s = add(p, p), s >> 1
    return q

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))

def ed25519(key, message, signature):
    a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], 'little')
    if len(signature) != 64 or a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little') % L
    p, q = times(s, BASE), add(r, times(h, a))
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0

# --- Signed notes and checkpoints (C2SP) ----------------------------------------------------------------------------
def read_key(text):
    name, ident, encoded = text.strip().split('+', 2)
    raw = base64.b64decode(encoded, validate=True)
    if len(raw) != 33 or raw[0] != 1 or sha(name.encode() + b'\n' + raw)[:4].hex() != ident:
        raise ValueError('not an Ed25519 key: NAME+ID+KEY')
    return name, bytes.fromhex(ident), raw[1:]

def read_checkpoint(note, key):
    body, lines = note.rsplit('\n\n', 1)
    text = body + '\n'
    if key:
        name, ident, raw = key
        rows = [line.split(' ') for line in lines.strip('\n').split('\n')]
        found = [base64.b64decode(row[2]) for row in rows if row[0] == '—' and row[1] == name]
        if not any(sig[:4] == ident and ed25519(raw, text.encode(), sig[4:]) for sig in found):
            raise ValueError('not signed by the key')
    origin, size, root = text.split('\n')[:3]
    return origin, int(size), base64.b64decode(root, validate=True)

# --- The log --------------------------------------------------------------------------------------------------------
class Tampered(Exception):  # seq, kind, detail
    pass

class Tree:
    def __init__(self):
        self.parts, self.size = [], 0

    def append(self, leaf):
        self.parts.append(leaf)
        self.size = rest = self.size + 1
        while rest % 2 == 0:
            right, left = self.parts.pop(), self.parts.pop()
            self.parts.append(sha(b'\x01' + left + right))
            rest //= 2

    def root(self):
        node = self.parts[-1] if self.parts else sha(b'')
        for left in reversed(self.parts[:-1]):
            node = sha(b'\x01' + left + node)
        return node

def entries(directory):
    """(segment's name, whether it is the segment's first, digest of the segment before, line)"""
    names = sorted(n for n in os.listdir(directory) if re.match(r'^segment-\d{16}\.jsonl$', n))
    before = None
    for name in names:
        digest = hashlib.sha256()
        with open(os.path.join(directory, name), 'rb') as file:
            for number, line in enumerate(file):
                yield name, number == 0, before, line
                digest.update(line)
        before = digest.hexdigest()

def check_entry(line, seq, previous):
    if not line.endswith(b'\n'):
        raise Tampered(seq, 'torn', 'the last line is not whole')
    try:
        entry = json.loads(line.decode('utf-8'))
        own = entry.pop('entry_hash')
    except (ValueError, KeyError, AttributeError):
        raise Tampered(seq, 'syntax', 'a line that is no entry')
    cut = line[:-1].replace(b'"entry_hash":"%s",' % str(own).encode(), b'', 1)
    if not HEX.match(str(own)) or sha(cut).hex() != own or json.dumps(entry, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode() != cut:
        raise Tampered(seq, 'hash', 'the entry is not the one that was written')
    if entry.get('seq') != seq:
        raise Tampered(seq, 'sequence', 'entry %s stands where %d belongs' % (entry.get('seq'), seq))
    if previous is not None and entry.get('prev_hash') != previous:
        raise Tampered(seq, 'chain', 'the entry does not follow the one before it')
    return entry, own

def verify(directory, key, anchors):
    kept = []
    if os.path.exists(os.path.join(directory, 'checkpoints.jsonl')):
        for line in open(os.path.join(directory, 'checkpoints.jsonl'), encoding='utf-8', newline='\n').read().split('\n')[:-1]:
            try:
                kept.append(read_checkpoint(json.loads(line)['note'], key))
            except (ValueError, KeyError, TypeError) as error:
                raise Tampered(0, 'checkpoint_signature', str(error))
    roots = [(size, root, 'checkpoint') for _, size, root in kept] + [(s, r, 'anchor') for _, s, r in anchors]
    sizes, tree, origin, previous, good = {c[1] for c in kept}, Tree(), None, None, 0
    vouched = {'checkpoint': 0, 'anchor': 0}
    for name, is_first, before, line in entries(directory):
        seq = tree.size + 1
        if is_first and int(name[8:24]) != seq:
            raise Tampered(seq, 'segment_missing', 'the file with entry %d is not there' % seq)
        entry, own = check_entry(line, seq, previous)
        if is_first:
            if entry.get('type') != 'segment' or (origin not in (None, entry.get('origin'))):
                raise Tampered(seq, 'origin', 'the file does not begin as one of this log')
            if origin is None and entry['prev_hash'] != sha(b'sluice-audit-v1\n%s\n' % entry['origin'].encode()).hex():
                raise Tampered(seq, 'chain', 'the first entry is not the beginning of this log')
            origin = entry['origin']
            if before is not None and entry.get('previous_file') != before:
                raise Tampered(seq, 'segment_digest', 'the file before is not the one that was closed')
        previous = own
        tree.append(sha(b'\x00' + bytes.fromhex(own)))
        for size, root, source in roots:
            if size == seq:
                if tree.root() != root:
                    raise Tampered(good + 1, source + '_root', 'forged at or behind this entry, up to %d' % seq)
                vouched[source] = seq
        good = seq if any(size == seq for size, _, _ in roots) else good
        if entry.get('type') == 'checkpoint' and entry['size'] not in sizes:
            raise Tampered(entry['size'], 'checkpoint_missing', 'a checkpoint is not there any more')
    state = os.path.join(directory, 'integrity.json')
    known = [size for size, _, _ in roots]
    if os.path.exists(state):
        known.append(json.loads(open(state, encoding='utf-8').readline())['seq'])
    elif tree.size:
        raise Tampered(tree.size, 'state', 'integrity.json is not there')
    if max(known, default=0) > tree.size:
        raise Tampered(tree.size + 1, 'truncated', '%d entries are vouched for' % max(known))
    if any(found != origin for found, _, _ in kept):
        raise Tampered(tree.size, 'origin', 'a checkpoint is of another log')
    return tree.size, vouched

def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('directory')
    parser.add_argument('--key', help='the public key, NAME+ID+KEY')
    parser.add_argument('--anchor', action='append', default=[], help='a file with a checkpoint kept elsewhere')
    args = parser.parse_args()
    try:
        key = read_key(args.key) if args.key else None
        anchors = [read_checkpoint(open(a, encoding='utf-8', newline='\n').read(), key) for a in args.anchor]
        size, vouched = verify(args.directory, key, anchors)
    except Tampered as found:
        print('tampered: entry %d, %s: %s' % found.args)
        return 1
    except (OSError, ValueError) as error:
        print('unable to verify: %s' % error)
        return 2
    if size == 0:
        print('unable to verify: there are no entries')
        return 2
    print('passed: %d entries, signed up to %d, anchored up to %d' % (size, vouched['checkpoint'], vouched['anchor']))
    if vouched['anchor'] < size:
        print('UNANCHORED TAIL: that entries were cut off after %d cannot be excluded' % vouched['anchor'])
    return 0

if __name__ == '__main__':
    sys.exit(main())
