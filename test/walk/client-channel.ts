// A client by hand to whom everything comes one way, on a pipe or an event stream: what it hears is told apart by
// id and token.
import type { Sent } from './client-http.ts';
import { type Json, SUBSCRIPTION } from './eras.ts';
import { exact } from './exact.ts';
import { Inbox, type Message, messageOf } from './inbox.ts';

/** What tells whose a message is. */
interface Body {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly progressToken?: unknown; readonly _meta?: Json };
}

interface Pending extends Sent {
  readonly id: string;
  readonly token: string | undefined;
  readonly listens: boolean;
}

export class OneWay {
  /** What belongs to no call. */
  readonly outside = new Inbox<Message>();
  readonly inboxes = [this.outside];
  readonly #pending: Pending[] = [];

  /** A request that goes out now. */
  asks(body: Json): Sent {
    const inbox = new Inbox<Message>();
    this.inboxes.push(inbox);
    const said = exact(JSON.stringify(body)) as Body;
    this.#pending.push({
      inbox,
      id: JSON.stringify(said.id),
      token: JSON.stringify(said.params?._meta?.progressToken),
      listens: body.method === 'subscriptions/listen',
    });
    return { inbox };
  }

  hears(text: string): void {
    const message = messageOf(text);
    (this.#inboxOf(message) ?? this.outside).put(message);
  }

  /** Questions and log lines name no call: they are taken to be the newest one's. */
  #inboxOf({ text }: Message): Inbox<Message> | undefined {
    const { id, method, params } = exact(text) as Body;
    const find = (is: (each: Pending) => boolean) => this.#pending.find(is)?.inbox;
    const subscription = params?._meta?.[SUBSCRIPTION];
    if (subscription !== undefined) return find((each) => each.id === JSON.stringify(subscription));
    if (method === undefined) return this.#settle(JSON.stringify(id));
    if (method === 'notifications/progress')
      return find((each) => each.token === JSON.stringify(params?.progressToken));
    if (/list_changed$|resources\/updated$/.test(method)) return undefined;
    return this.#pending.findLast((each) => !each.listens)?.inbox;
  }

  #settle(id: string): Inbox<Message> | undefined {
    const index = this.#pending.findIndex((each) => each.id === id);
    return index < 0 ? undefined : this.#pending.splice(index, 1)[0]?.inbox;
  }
}
