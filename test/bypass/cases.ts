// All cases of the tables.
import type { Case } from './case.ts';
import claims from './cases-claims.ts';
import header from './cases-header.ts';
import place from './cases-place.ts';
import request from './cases-request.ts';
import rights from './cases-rights.ts';
import token from './cases-token.ts';

export const CASES: readonly Case[] = [...header, ...token, ...claims, ...request, ...place, ...rights];
