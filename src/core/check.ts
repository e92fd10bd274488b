// What a listener has to look at once plugins have let a call pass and it is known where it goes; a result is the
// refusal.

import type { McpResult } from '../protocol/message.ts';
import type { Exchange } from './exchange.ts';
import { fact } from './facts.ts';

export type Check = (x: Exchange) => Promise<McpResult | undefined>;

export const checkFact = fact<Check>('check');
