// The public plugin interface. Third parties know it as `sluice/plugin`; nothing else of the gateway is theirs.

export { z } from 'zod';
export type { Reassurance } from './core/call-progress.ts';
export { type Client, GATEWAY, identityKey, type Principal } from './core/client.ts';
export { type ErrorName, errorResult as refuse } from './core/errors.ts';
export {
  type CallerToken,
  callerTokenFact,
  type Exchange,
  type Inbound,
  principalFact,
  type Thing,
} from './core/exchange.ts';
export { type Fact, fact } from './core/facts.ts';
export type { Emit } from './core/handler.ts';
export { IntegrityError } from './core/integrity.ts';
export type { Log } from './core/log.ts';
export type { Outbound, Refusal } from './core/outbound.ts';
export type { Page, PageRequest, ServedEndpoint } from './core/page.ts';
export type { Peer, PeerCertificate } from './core/peer.ts';
export type { Phase } from './core/phases.ts';
export {
  type AnyPlugin,
  type Caller,
  definePlugin,
  duration,
  type EntryPlace,
  type Hooks,
  type OptionProblem,
  type Plugin,
  type PluginHost,
} from './core/plugin.ts';
export type { Route } from './core/route.ts';
export { anyGlob } from './lib/glob.ts';
export { suggest } from './lib/suggest.ts';
export { type Changed, changeFile } from './lib/whole-file.ts';
export { McpNotification, McpRequest, McpResult } from './protocol/message.ts';
export { RawJson, RawObject } from './protocol/raw.ts';
export type { JsonObject, JsonValue } from './protocol/values.ts';
