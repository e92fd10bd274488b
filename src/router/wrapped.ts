// An upstream whose URIs carry its name, `sluice+NAME:` in front of each, for upstreams that give the same URIs to
// different things. Everything above sees those, everything below the upstream's own. Texts for people and arguments
// of tools are left alone, and so is what begins with http: or https:, which clients may fetch themselves.

import type { Exchange } from '../core/exchange.ts';
import { wholeResult } from '../core/whole.ts';
import { mapItems } from '../protocol/items.ts';
import { type Changes, type McpNotification, type McpRequest, McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Source } from './source.ts';

/** Names of upstreams may have `_`, which a scheme may not; none has a dot. */
export function wrapperOf(upstream: string): string {
  return `sluice+${upstream.replaceAll('_', '.')}:`;
}

/** Whether clients may fetch it themselves. */
export function isFetchable(uri: string): boolean {
  return /^https?:/i.test(uri);
}

export function wrappedSource(source: Source): Source {
  const wrapper = wrapperOf(source.name);
  const out: Rename = (uri) => (isFetchable(uri) ? uri : wrapper + uri);
  const own: Rename = (uri) => (uri.startsWith(wrapper) ? uri.slice(wrapper.length) : uri);
  return {
    ...source,
    async handle(x, emit) {
      const leg = legWith(x, requestWith(x.request, own));
      const result = await source.handle(leg, (note) => emit(noteWith(note, out)));
      return resultWith(await held(result), out);
    },
  };
}

type Rename = (uri: string) => string;

function legWith(x: Exchange, request: McpRequest): Exchange {
  if (request !== x.request) x.replace(request);
  return x;
}

function requestWith(request: McpRequest, rename: Rename): McpRequest {
  const { method, raw } = request;
  if (!raw) return request;
  if (method === 'resources/read') return request.with(renamed(raw, 'uri', rename));
  const ref = method === 'completion/complete' ? raw.object('ref') : undefined;
  if (ref?.string('type') === 'ref/resource')
    return request.with({ ref: ref.with(renamed(ref, 'uri', rename)) });
  const filter = method === 'subscriptions/listen' ? raw.object('notifications') : undefined;
  return filter ? request.with({ notifications: filter.with(watched(filter, rename)) }) : request;
}

function noteWith(note: McpNotification, rename: Rename): McpNotification {
  const { method, raw } = note;
  if (!raw) return note;
  if (method === 'notifications/resources/updated') return note.with(renamed(raw, 'uri', rename));
  const filter = raw.object('notifications');
  if (method.endsWith('/acknowledged') && filter)
    return note.with({ notifications: filter.with(watched(filter, rename)) });
  const result = method.startsWith('notifications/tasks') ? raw.object('result') : undefined;
  return result ? note.with({ result: bodyWith(result, rename) }) : note;
}

/** URIs may be anywhere in it. */
async function held(result: McpResult): Promise<McpResult> {
  const whole = await wholeResult(result);
  return whole instanceof McpResult ? whole : whole.refuse('its URIs are wrapped (uris: wrap)');
}

function resultWith(result: McpResult, rename: Rename): McpResult {
  if (result.kind === 'error' || !/"uri(Template)?"/.test(result.raw.text)) return result;
  return result.with(changesOf(result.raw, rename));
}

const bodyWith = (raw: RawObject, rename: Rename): RawObject => raw.with(changesOf(raw, rename));

/** Wherever a result has URIs: lists, contents of resources, content of tools and prompts, results of tasks. */
function changesOf(raw: RawObject, rename: Rename): Changes {
  const uri = (item: RawObject) => item.with(renamed(item, 'uri', rename));
  const message = (item: RawObject) => item.with(contentOf(item, rename));
  const result = raw.object('result');
  const inputs = raw.object('inputRequests');
  return {
    ...each(raw, 'resources', uri),
    ...each(raw, 'resourceTemplates', (item) => item.with(renamed(item, 'uriTemplate', rename))),
    ...each(raw, 'contents', uri),
    ...each(raw, 'messages', message),
    ...contentOf(raw, rename),
    ...(result ? { result: bodyWith(result, rename) } : {}),
    ...(inputs ? { inputRequests: inputs.with(askedOf(inputs, rename)) } : {}),
  };
}

/** What a call asks of its client may show resources, too. */
function askedOf(inputs: RawObject, rename: Rename): Changes {
  const requests = inputs.keys().flatMap((key) => {
    const request = inputs.object(key);
    const params = request?.object('params');
    return request && params ? [[key, request.with({ params: bodyWith(params, rename) })] as const] : [];
  });
  return Object.fromEntries(requests);
}

function contentOf(holder: RawObject, rename: Rename): Changes {
  const block = (item: RawObject): RawObject => {
    if (item.string('type') === 'resource_link') return item.with(renamed(item, 'uri', rename));
    const resource = item.string('type') === 'resource' ? item.object('resource') : undefined;
    if (resource) return item.with({ resource: resource.with(renamed(resource, 'uri', rename)) });
    return item.string('type') === 'tool_result' ? item.with(contentOf(item, rename)) : item;
  };
  const one = holder.object('content');
  return one ? { content: block(one) } : each(holder, 'content', block);
}

function each(holder: RawObject, key: string, change: (item: RawObject) => RawObject): Changes {
  const text = holder.raw(key);
  return text?.startsWith('[') ? { [key]: mapItems(text, change) } : {};
}

function renamed(holder: RawObject, key: string, rename: Rename): Changes {
  const uri = holder.string(key);
  return uri === undefined ? {} : { [key]: rename(uri) };
}

function watched(filter: RawObject, rename: Rename): Changes {
  const uris = filter.get('resourceSubscriptions');
  if (!Array.isArray(uris)) return {};
  return { resourceSubscriptions: uris.map((uri) => (typeof uri === 'string' ? rename(uri) : uri)) };
}
