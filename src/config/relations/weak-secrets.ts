// Secrets that are none: words that stand in examples until somebody writes a real one. A gateway that took them would
// be open to whoever has read the example.
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import { isSensitive, namesSecret } from '../place.ts';
import type { Path } from '../schema.ts';

/** What stands for a secret that is still to be written, wherever one may stand. */
const PLACEHOLDER =
  /^(?:change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this)|(?:default[-_ ])?secret[-_ ]api[-_ ]key)!?$/i;
/** What is no secret where a name says that it is one. */
const WORD =
  /^(?:secret|password|passw0rd|default|test|example|dummy|admin|todo|placeholder|your[-_ ].{1,60}|<[^<>]{1,60}>|x{3,}|12345\d*)$/i;
const SCHEME = /^(?:Basic|Bearer|Token|ApiKey|Key) +/i;

export function weakSecretProblems(tree: JsonObject): PlacedProblem[] {
  return weak(tree, []);
}

function weak(value: JsonValue, path: Path): PlacedProblem[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => weak(item, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, held]) => weak(held as JsonValue, [...path, key]));
  if (typeof value !== 'string' || !isSensitive(path)) return [];
  const said = value.trim().replace(SCHEME, '');
  const name = path.findLast((step) => typeof step === 'string');
  const isNamed = typeof name === 'string' && namesSecret(name);
  if (!PLACEHOLDER.test(said) && !(isNamed && WORD.test(said))) return [];
  return [
    {
      path,
      code: 'SECRET_WEAK',
      message: 'this stands in for a secret that nobody has written yet',
      hint: 'put a real one there, such as 32 random bytes: openssl rand -base64 32',
    },
  ];
}
