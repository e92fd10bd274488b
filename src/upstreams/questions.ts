// Whom a question of an initialize-era server concerns. Never shown to a caller it could not be for.

import type { Host } from '../core/host.ts';
import { RELATED_TASK } from '../protocol/extensions.ts';
import type { Call, Question } from './call.ts';
import type { Link } from './link.ts';
import { canAsk, declined, mayAsk } from './park.ts';

export interface Asking {
  readonly link: Link;
  readonly question: Question;
  /** The call on whose stream it came, where the transport tells. */
  readonly via: Call | undefined;
  /** Everything on this link is of one client session. */
  readonly owned: boolean;
  /** Asks the client whose link it is, outside of calls. @returns false when that is not possible */
  outside(question: Question): boolean;
  readonly upstream: string;
  readonly host: Host;
}

/** @returns whether it was declined although somebody could be asked */
export function askTheRightOne({ link, question, via, owned, outside, upstream, host }: Asking): boolean {
  const open = (via ? [via] : [...link.calls()]).filter(
    (call) => !call.ended && mayAsk(call.x.request.method),
  );
  const task = taskOf(question);
  // Of a task, and so for who waits for its result, and for nobody else's call.
  const ofTask = task === undefined ? undefined : open.find((call) => call.task === task);
  if (ofTask && canAsk(ofTask.x.client, ofTask.x.request.method, question)) {
    ofTask.ask(question);
    return false;
  }
  const able = open.filter((call) => canAsk(call.x.client, call.x.request.method, question));
  // A call of another client is a reason for doubt even when that client cannot be asked.
  // Also on the stream of the call that makes the task.
  const makes = via?.x.request.raw?.has('task') === true;
  const alone = open.length === 1 && (task === undefined || makes);
  const certain = alone && (via !== undefined || !open.some(({ x }) => link.doubtfulFor?.(x)));
  // Among calls of one client any is right; each takes one, so that none waits for the questions of all.
  const target = certain || owned ? (able.findLast((call) => call.free) ?? able.at(-1)) : undefined;
  if (target) {
    target.ask(certain ? question : { ...question, uncertain: true });
    return false;
  }
  if (able.length === 0 && outside(question)) return false;
  const reason = able.length > 0 ? 'question_ambiguous' : 'question_unanswerable';
  host.metrics.dropped.inc({ reason });
  host.log.info('a question of the upstream was declined', { upstream, method: question.method, reason });
  void link.answer(question, declined(question)).catch(() => {});
  return able.length > 0;
}

/** The task a question belongs to, where its server says so (2025-11-25 basic/utilities/tasks). */
function taskOf({ params }: Question): string | undefined {
  return params?.object('_meta')?.object(RELATED_TASK)?.string('taskId');
}
