// The one function type. Pipeline, router and upstream are all handlers; the call stack is the map.

import type { McpNotification, McpResult } from '../protocol/message.ts';
import type { Exchange } from './exchange.ts';

/** Sends one notification toward the client. What it returns, if anything, is awaited: that is the backpressure. */
export type Emit = (note: McpNotification) => Promise<void> | undefined;

/** Carries an exchange to its result. Never rejects for what a peer did: that is an error result. */
export type Handler = (x: Exchange, emit: Emit) => Promise<McpResult>;
