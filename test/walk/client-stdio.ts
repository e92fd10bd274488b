// A client by hand on a pair of pipes: everything comes on one of them, and is told apart by id and token.
import type { InProcess } from '../fixtures/in-process.ts';
import type { ClientWire, Sent } from './client-http.ts';
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

export function stdioWire({ gateway }: InProcess): ClientWire {
  const outside = new Inbox<Message>();
  const inboxes = [outside];
  const pending: Pending[] = [];
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const writer = input.writable.getWriter();
  let ended = false;
  const encoder = new TextEncoder();
  const write = (body: Json): Promise<void> => writer.write(encoder.encode(`${JSON.stringify(body)}\n`));
  const served = gateway.serveStdio(input.readable, async (lines) => {
    for (const line of lines.split('\n').filter((each) => each !== '')) {
      const message = messageOf(line);
      (inboxOf(message, pending) ?? outside).put(message);
    }
  });
  return {
    inboxes,
    request(body) {
      const inbox = new Inbox<Message>();
      inboxes.push(inbox);
      const said = exact(JSON.stringify(body)) as Body;
      pending.push({
        inbox,
        id: JSON.stringify(said.id),
        token: JSON.stringify(said.params?._meta?.progressToken),
        listens: body.method === 'subscriptions/listen',
      });
      void write(body);
      return { inbox };
    },
    say: write,
    standing: async () => outside,
    async end() {
      if (!ended) await writer.close();
      ended = true;
      await served;
    },
  };
}

/** Questions and log lines name no call: they are taken to be the newest one's. */
function inboxOf({ text }: Message, pending: Pending[]): Inbox<Message> | undefined {
  const { id, method, params } = exact(text) as Body;
  const find = (is: (each: Pending) => boolean) => pending.find(is)?.inbox;
  const subscription = params?._meta?.[SUBSCRIPTION];
  if (subscription !== undefined) return find((each) => each.id === JSON.stringify(subscription));
  if (method === undefined) return settle(JSON.stringify(id), pending);
  if (method === 'notifications/progress')
    return find((each) => each.token === JSON.stringify(params?.progressToken));
  if (/list_changed$|resources\/updated$/.test(method)) return undefined;
  return pending.findLast((each) => !each.listens)?.inbox;
}

function settle(id: string, pending: Pending[]): Inbox<Message> | undefined {
  const index = pending.findIndex((each) => each.id === id);
  return index < 0 ? undefined : pending.splice(index, 1)[0]?.inbox;
}
