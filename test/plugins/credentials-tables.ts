// The tables of docs/plugins/credentials.md, made from the schema.
import { z } from 'zod';
import credentials from '../../plugins/credentials.ts';
import { type Json, rowsOf } from './rows.ts';

export function tables() {
  const schema = z.toJSONSchema(credentials.schema, { io: 'input' }) as Json;
  const of = (name: string) => schema.properties?.[name] as Json;
  const client = rowsOf(of('client_credentials'));
  const within = Object.keys(of('client_credentials').properties ?? {});
  const exchange = rowsOf(of('token_exchange')).filter(
    (row) => !client.includes(row) && !within.some((name) => row.startsWith(`| \`redeem.${name}\``)),
  );
  return {
    all: rowsOf(schema, ['client_credentials', 'token_exchange']),
    client_credentials: client,
    token_exchange: exchange,
  };
}
