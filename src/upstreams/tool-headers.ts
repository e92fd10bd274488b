// Which arguments a 2026-07-28 upstream wants mirrored in Mcp-Param-* headers: read from its own tool schemas
// (streamable-http §Custom Headers), fetched when first needed. Also hides tools that declare them wrongly.

import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { type Pages, pagesOf } from '../core/pages.ts';
import { HeaderError, type ParamDeclaration, paramDeclarations, paramHeaders } from '../protocol/headers.ts';
import { joinItems, rawItems } from '../protocol/items.ts';
import { McpRequest } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';
import { aside } from './aside.ts';
import type { Link } from './link.ts';
import type { UpstreamLimits } from './spec.ts';

const MARK = 'x-mcp-header';
/** A list that could not be had holds no call back for this long, milliseconds. */
const RETRY_MS = 10_000;

export class ToolHeaders {
  #declared: Promise<Declared> | undefined;
  #failedAt: number | undefined;

  /** @param patience how long a page of the tool list may take, milliseconds */
  constructor(
    readonly patience: number,
    readonly limits: Pick<UpstreamLimits, 'pages'>,
    readonly host: Host,
  ) {}

  /** The mirrored headers of one request; `{}` for everything but tools/call. Names are lower-case. */
  async for(x: Exchange, link: Link): Promise<Record<string, string>> {
    if (x.request.method !== 'tools/call') return {};
    const declared = await this.#list(x, link);
    const declarations = declared.get(x.request.raw?.string('name') ?? '');
    if (declarations === undefined) return {};
    const headers = paramHeaders(declarations, x.request.raw?.object('arguments'));
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  }

  /** The tool list changed, or the upstream says our headers are wrong. */
  forget(): void {
    this.#declared = undefined;
    this.#failedAt = undefined;
  }

  /** One that could not be had is as good as empty for a while: calls go out without such headers. */
  #list(x: Exchange, link: Link): Promise<Declared> {
    if (this.#failedAt !== undefined && this.host.now() - this.#failedAt >= RETRY_MS) this.forget();
    if (this.#declared) return this.#declared;
    const mine = fetchDeclarations(x, link, this.patience, {
      most: this.limits.pages,
      host: this.host,
    }).catch(() => {
      if (this.#declared === mine) this.#failedAt = this.host.now();
      return new Map();
    });
    this.#declared = mine;
    return mine;
  }
}

type Declared = Map<string, readonly ParamDeclaration[]>;

async function fetchDeclarations(x: Exchange, link: Link, patience: number, pages: Pages): Promise<Declared> {
  const declared = new Map<string, readonly ParamDeclaration[]>();
  const of = { upstream: x.leg?.upstream, list: 'tools' };
  for await (const raw of pagesOf(pages, of, (cursor) => listTools(x, link, cursor, patience))) {
    if (!raw.text.includes(MARK)) continue;
    for (const tool of toolsOf(raw)) {
      const declarations = declarationsOf(tool);
      if (declarations && declarations.length > 0) declared.set(String(tool.name), declarations);
    }
  }
  return declared;
}

async function listTools(
  x: Exchange,
  link: Link,
  cursor: string | undefined,
  patience: number,
): Promise<RawObject> {
  const meta = x.request.raw?.object('_meta')?.with({ progressToken: undefined });
  const params = RawObject.of({}).with({
    ...(cursor === undefined ? {} : { cursor }),
    ...(meta ? { _meta: meta } : {}),
  });
  // With a signal of its own: others wait for the list too when this caller has gone.
  const { signal } = new AbortController();
  const settled = await aside(
    link,
    x.fork(x.leg?.upstream ?? '', new McpRequest('tools/list', params), signal),
    patience,
  );
  if (settled.kind !== 'result') throw new Error('the tool list cannot be had');
  return settled.raw;
}

function toolsOf(raw: RawObject): readonly JsonObject[] {
  const tools = raw.get('tools');
  return Array.isArray(tools) ? (tools as JsonObject[]) : [];
}

/** @returns undefined when the tool's declarations break the rules */
function declarationsOf(tool: JsonObject): readonly ParamDeclaration[] | undefined {
  try {
    return paramDeclarations((tool.inputSchema ?? {}) as JsonObject);
  } catch (error) {
    if (error instanceof HeaderError) return undefined;
    throw error;
  }
}

/**
 * A tools/list result of an HTTP upstream without the tools whose x-mcp-header declarations break the rules;
 * the others stay (2026-07-28 streamable-http §Custom Headers: a client must drop them).
 */
export function withoutInvalidTools(raw: RawObject, hidden: (name: string) => void): RawObject {
  if (!raw.text.includes(MARK)) return raw;
  const tools = rawItems(raw.raw('tools') ?? '[]');
  const valid = tools.filter((tool) => {
    if (declarationsOf(tool.value)) return true;
    hidden(String(tool.get('name')));
    return false;
  });
  return valid.length === tools.length ? raw : raw.with({ tools: joinItems(valid) });
}
