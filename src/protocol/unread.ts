// What can be told of a message that was refused: whose it is. Somebody waits for an answer to it, or for it.

import { locateMembers } from './document.ts';
import { isBatch } from './jsonrpc.ts';
import { type RawId, readId } from './rpc-id.ts';
import { CLOSE_ARRAY, COMMA, codeAt, skipSpace, valueEnd } from './scan.ts';

export interface Unread {
  readonly id: RawId;
  /** `none`: it has neither a method nor a result nor an error. */
  readonly kind: 'request' | 'answer' | 'none';
}

/**
 * The message of a text that is beyond a limit, or each message of a batch: as far as it has one id, and that can be
 * read.
 */
export function* unreadIn(text: string): Generator<Unread> {
  for (const each of isBatch(text) ? elements(text) : [text]) {
    const unread = unreadOf(each);
    if (unread) yield unread;
  }
}

function unreadOf(text: string): Unread | undefined {
  const members = locateMembers(text);
  const [member, another] = members.filter(({ key }) => key === 'id');
  if (member === undefined || another !== undefined) return undefined;
  const id = readId(text.slice(member.start, member.end));
  const has = (name: string): boolean => members.some(({ key }) => key === name);
  const kind = has('method') ? 'request' : has('result') || has('error') ? 'answer' : 'none';
  return id && { id, kind };
}

function* elements(text: string): Generator<string> {
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (at < text.length && codeAt(text, at) !== CLOSE_ARRAY) {
    const end = valueEnd(text, at);
    yield text.slice(at, end);
    const behind = skipSpace(text, end);
    if (codeAt(text, behind) !== COMMA) return;
    at = skipSpace(text, behind + 1);
  }
}
