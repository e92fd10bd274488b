// The catalogue of configuration errors: one stable code each, with what it means and how it is mended.
// `docs/errors.md` is made from it. Knows nothing of how an error is found.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that

/** `title` names the error, `why` says what is behind it, `fix` says what to do. Markdown, one sentence or two. */
export interface CodeText {
  readonly title: string;
  readonly why: string;
  readonly fix: string;
}

export const CODES = {
  YAML_SYNTAX: {
    title: 'The file is not YAML',
    why: 'The text cannot be read as YAML 1.2, so nothing behind this place is certain.',
    fix: 'Mend the marked place. Indent with spaces, and quote texts that hold `: `, ` #` or begin with one of `@`, `%`, `*`, `&`, `!`, a backtick or a bracket.',
  },
  YAML_KEY_DUPLICATE: {
    title: 'A key stands twice in one map',
    why: 'Only one of the two could count, and which one differs from reader to reader.',
    fix: 'Remove one, or join the two.',
  },
  YAML_KEY_INVALID: {
    title: 'A key is not text',
    why: 'Keys of a configuration are names. A number, `true`, `null`, a list or a map is not one.',
    fix: 'Put the key in quotes.',
  },
  YAML_TAG: {
    title: 'A YAML tag',
    why: 'Tags such as `!include` or `!!binary` ask the reader to build something else than what is written. None is supported.',
    fix: 'Remove the tag and write the value itself, or refer to a file with `${file:…}`.',
  },
  YAML_ALIAS: {
    title: 'An alias that cannot be followed',
    why: 'The alias has no anchor, holds itself, or the file uses more aliases than any configuration needs (a small file can grow beyond memory that way).',
    fix: 'Write the values out.',
  },
  YAML_DOCUMENTS: {
    title: 'Several documents in one file',
    why: 'A line of `---` begins another document, and only one could count.',
    fix: 'Keep one document.',
  },
  YAML_NUMBER: {
    title: 'A number that cannot be kept exactly',
    why: 'Whole numbers beyond 2^53 lose digits, and infinity and not-a-number have no meaning here.',
    fix: 'Use a smaller number, or put it in quotes if it is an identifier.',
  },
  REFERENCE_INVALID: {
    title: 'A `${…}` that is not understood',
    why: 'References are `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${secret:NAME}`.',
    fix: 'Write one of these. For the characters themselves write `$${`.',
  },
  ENV_UNDEFINED: {
    title: 'An environment variable is not set',
    why: '`${env:NAME}` was used and the gateway was started without NAME.',
    fix: 'Set it, or give a default: `${env:NAME:-default}`.',
  },
  FILE_UNREADABLE: {
    title: 'A file cannot be read',
    why: '`${file:PATH}` was used, or a field that names a file, and the file is missing, unreadable, not a file or longer than 4MiB, which is as long as the configuration itself may be. Relative paths begin at the directory of the configuration.',
    fix: 'Check the path and the rights of the user the gateway runs as.',
  },
  SECRET_UNDEFINED: {
    title: 'A secret does not exist',
    why: '`${secret:NAME}` is the file NAME in `$CREDENTIALS_DIRECTORY` (systemd), else `/run/secrets/NAME` (containers), else what `sluice secrets set NAME` has put into the keychain or the state directory. None of them has it, or it is empty.',
    fix: 'Type `sluice secrets set NAME`, provide the file, or use `${env:…}` or `${file:…}`.',
  },
  SECRET_UNREADABLE: {
    title: 'A secret is there and cannot be read',
    why: 'The keychain that has it is away, or the file of secrets in the state directory is damaged, or encrypted with another key. Nothing is changed by it.',
    fix: 'Do what the message says; `sluice secrets list` shows where each secret lies.',
  },
  SECRET_WEAK: {
    title: 'A secret that is none',
    why: 'Words such as `changeme` stand in examples, so everybody knows them.',
    fix: 'Write a real one: `openssl rand -base64 32`.',
  },
  SECRET_PLACE: {
    title: 'A secret where it would be shown',
    why: 'Only headers, the environment of a command, keys of TLS and options of plugins are kept out of logs, process lists and the console.',
    fix: 'Pass the secret in one of these.',
  },
  SECRET_LITERAL: {
    title: 'A secret in the file itself',
    why: 'Who reads the file, a copy or its history has the secret. The field is one for secrets, or its value looks like one.',
    fix: 'Type what the hint says, and write the reference instead of the value. Then change the secret where it is used: it has been in the file.',
  },
  FIELD_UNKNOWN: {
    title: 'An unknown field',
    why: 'No part of the gateway reads it, so it would do nothing.',
    fix: 'Correct the name, or remove the field. `docs/configuration.md` lists all fields.',
  },
  FIELD_MISSING: { title: 'A field is missing', why: 'It has no default.', fix: 'Add it.' },
  FIELD_TYPE: {
    title: 'A value of the wrong type',
    why: 'The field takes another type. In YAML 1.2 only `true` and `false` are booleans: `yes`, `no`, `on` and `off` are texts.',
    fix: 'Write a value of the type that is named.',
  },
  VALUE_INVALID: {
    title: 'A value that is not allowed',
    why: 'The value has the right type, and the field does not take it.',
    fix: 'Write one of the values that are named.',
  },
  DURATION_INVALID: {
    title: 'Not a duration',
    why: 'Durations are texts with a unit, because nobody remembers whether 30 was seconds or milliseconds.',
    fix: 'Write a number with `ms`, `s`, `m`, `h` or `d`: `250ms`, `30s`, `1m30s`.',
  },
  SIZE_INVALID: {
    title: 'Not a size',
    why: 'Sizes are texts with a unit.',
    fix: 'Write a number with `B`, `KiB`, `MiB` or `GiB`: `64KiB`, `4MiB`.',
  },
  VERSION_UNKNOWN: {
    title: 'An unknown version of the format',
    why: 'This gateway knows version 1.',
    fix: 'Write `version: 1` or leave it out; or use the gateway the file was written for.',
  },
  LISTEN_FAILED: {
    title: 'The address cannot be listened on',
    why: 'Another program listens there, or the system does not let this one.',
    fix: 'Stop the other program (often a gateway that runs already: see `sluice status`), or choose another address.',
  },
  LISTEN_INVALID: {
    title: 'Not an address to listen on',
    why: 'An address is `host:port`, `[ipv6]:port` or `unix:/path`.',
    fix: 'Write for example `127.0.0.1:7420`. A port alone is not enough: it would not say who may connect.',
  },
  LISTEN_URL: {
    title: 'A listener whose URL nobody knows',
    why: 'Tokens, DPoP proofs and signatures are for the URL of their endpoint, and no client knows the listener by this address. None would be good.',
    fix: 'Give the listener `url`, such as `https://mcp.example.com`; where it is for tokens alone, `audiences` of the issuer will do.',
  },
  LISTEN_HOSTS: {
    title: 'A listener that answers to no host',
    why: 'Requests whose Host header is neither the address of the listener nor one of `hosts` are refused, which stops DNS rebinding. No client asks for `0.0.0.0` or `[::]`.',
    fix: 'Write the names and addresses that clients use into `hosts`, or give the listener `url`: its host is answered, too.',
  },
  LISTEN_URL_PATH: {
    title: 'A public URL that ends with an endpoint',
    why: '`url` is how clients know the listener; the path of an endpoint comes after it. Tokens would be for `…/mcp/mcp`, and those that issuers give for `…/mcp` are refused.',
    fix: 'Leave the path of the endpoint out of `url`.',
  },
  AUTH_IDLE: {
    title: 'A way to prove oneself that nobody can take',
    why: 'Certificates are shown on listeners with `tls.client`, and the system tells of users on Unix sockets and of the one at a pipe. No listener is one of these, so this method of `auth` finds nobody.',
    fix: 'Add what the hint says to a listener, or remove the method.',
  },
  AUTH_TWICE: {
    title: 'Two entries say who calls at one endpoint',
    why: 'A caller would have to be found by both, and what the one has found the other may not change: every call that both see is refused.',
    fix: 'Give each entry endpoints of its own, by `when: { endpoints: [...] }`. Where callers may prove themselves in one way or another, put both methods into one entry. An entry to be tried out can have `mode: shadow` beside one that acts.',
  },
  AUTH_PASS: {
    title: '`auth` lets pass whom it could not judge',
    why: 'With `on_error: pass` a file that cannot be read, or an issuer that hangs, would let everybody in without a name.',
    fix: 'Remove `on_error`. To see what an entry would do, give it `mode: shadow`; to let strangers in, write `anonymous: true`.',
  },
  ISSUER_NAME: {
    title: 'An issuer whose callers could be taken for others',
    why: 'An issuer chooses what its callers are called. One that calls somebody `ci` would give them the sessions, views and credentials of whoever is called `ci` by an API key or by another issuer.',
    fix: 'Give the issuer a `name` of its own: it stands before the ids of its callers, as `okta:ada`. An issuer that is the only way to prove oneself, in all entries, needs none.',
  },
  PLUGIN_PLACE: {
    title: 'A plugin where it cannot work',
    why: '`auth` has to know who calls before an upstream is chosen; `credentials` and `signing` hold what is meant for one upstream.',
    fix: 'Move the entry to where the hint says.',
  },
  LISTEN_PLAIN: {
    title: 'Open to other machines without TLS',
    why: 'What is sent to this address could be read and changed on its way, tokens included.',
    fix: 'Give the listener `tls: { cert: …, key: … }`; write `tls: off` where something in front of it ends TLS.',
  },
  CERTIFICATE_INVALID: {
    title: 'A certificate or key that cannot be used',
    why: 'It is not in PEM form, or the key is not that of the certificate, or the key is encrypted.',
    fix: 'Give the PEM file of the certificate with its chain, and that of its private key without a passphrase.',
  },
  CERTIFICATE_EXPIRED: {
    title: 'A certificate that is not valid now',
    why: 'Its time is over, or has not come. Whoever is shown it will refuse to connect.',
    fix: 'Renew it, or check the clock of this machine. The gateway takes the new one without a restart.',
  },
  LISTENER_KIND: {
    title: 'Not exactly one kind of listener',
    why: 'A listener is either `http` or `stdio`.',
    fix: 'Give each its own item in the list.',
  },
  LISTEN_UNSAFE: {
    title: 'Open to other machines without authentication',
    why: 'Everybody who reaches the address could use every upstream with the credentials of the gateway.',
    fix: 'Put `auth` into the pipeline: enforced, refusing where it fails, and for every endpoint, by one entry or by several whose `when` names endpoints and nothing else. One that lets callers pass unknown does not count unless it says `anonymous: { public: true }`. Or listen on 127.0.0.1 or a socket file.',
  },
  PIPE_SHUT: {
    title: 'A pipe that nobody could call over',
    why: 'A client on stdin and stdout sends no headers: no token, key or certificate comes with its messages, and `auth` would refuse all of them.',
    fix: 'Say whom the user stands for that the process runs as: `peers: [{ uid: 1000 }]`, with `principal`, `tenant` and `scopes` where they matter; `id -u` prints the number. Or write `anonymous: true`. An entry for the endpoints of others can have `when: { endpoints: [...] }`: a pipe is served by the first endpoint.',
  },
  CALLERS_UNKNOWN: {
    title: 'Credentials of callers whom nobody knows',
    why: 'An upstream is to be called with a credential of the caller, and on no endpoint that leads to it an entry of the pipeline finds out who that is, or takes a token that could be exchanged. Each call would be refused with `CREDENTIAL_MISSING`.',
    fix: 'Put `auth` into the pipeline of all upstreams, with `issuers` for `token_exchange`; or give the upstream one credential for everybody.',
  },
  FORWARD_CREDENTIAL: {
    title: 'A credential of callers is passed on',
    why: 'Whoever runs the upstream could call the gateway as its callers.',
    fix: 'Leave the header out of forward. What the upstream is to know of a caller goes under callers, or is got by token_exchange.',
  },
  PROCESS_HEADERS: {
    title: 'Headers for a process',
    why: 'A process is spoken to through a pipe, where messages have no headers: the plugin would refuse every one of them.',
    fix: 'Remove the entry. What the process needs to log in somewhere goes into upstreams.NAME.env.',
  },
  LISTEN_DUPLICATE: {
    title: 'One address twice',
    why: 'Only one listener can have an address, and there is only one stdin.',
    fix: 'Remove one, or change its address.',
  },
  UPSTREAM_NAME: {
    title: 'Not a name for an upstream',
    why: 'The name becomes part of tool names (`name__tool`), which clients restrict.',
    fix: 'Use at most 32 of a-z, 0-9, `-` and `_`, beginning with a letter or digit, without `__`.',
  },
  UPSTREAM_KIND: {
    title: 'Not exactly one kind of upstream',
    why: 'An upstream is one of `builtin`, `url` and `command`.',
    fix: 'Keep the one that is meant.',
  },
  UPSTREAM_FIELD: {
    title: 'A field of another kind of upstream',
    why: 'The field exists and means nothing for this kind, so it would do nothing.',
    fix: 'Remove it, or make it the other kind.',
  },
  UPSTREAM_TYPE: {
    title: '`type` says something else',
    why: '`type` and `transport` are accepted so that entries of mcpServers files paste in. `url` or `command` says the same; only for a `url` they settle something, which transport it speaks.',
    fix: 'Remove `type`, or correct it.',
  },
  UPSTREAM_URL: {
    title: 'Not a URL for an upstream',
    why: 'A URL is `http:` or `https:`, without user name, password or fragment.',
    fix: 'Correct it. Credentials belong in `headers`.',
  },
  UPSTREAM_HEADER: {
    title: 'Not a header to send',
    why: 'The name or the value is not one HTTP allows, the name stands twice, or the gateway sets that header itself.',
    fix: 'Correct or remove it.',
  },
  UPSTREAM_UNKNOWN: {
    title: 'An upstream that does not exist',
    why: 'The name is not one of `upstreams`.',
    fix: 'Correct the name, or add the upstream.',
  },
  UPSTREAM_NONE: {
    title: 'No upstream',
    why: 'The gateway runs and has nothing to offer.',
    fix: 'Add one under `upstreams`.',
  },
  UPSTREAM_SHELL: {
    title: 'A command that expects a shell',
    why: 'Commands start without a shell: a command line in one text is looked up as the name of one program, and `sh -c` brings back every quoting mistake.',
    fix: 'Write the program as `command` and each argument as an item of `args`.',
  },
  UPSTREAMS_RENAMED: {
    title: '`mcpServers` is called `upstreams`',
    why: 'The entries of an mcpServers file can stay as they are.',
    fix: 'Rename the key.',
  },
  ENDPOINT_PATH: {
    title: 'Not a path for an endpoint',
    why: 'A path begins with `/`, has no empty part, no `.` or `..`, no query and nothing encoded.',
    fix: 'Write for example `/mcp` or `/mcp/team`.',
  },
  ENDPOINT_RESERVED: {
    title: 'A path the gateway needs itself',
    why: '`/healthz`, `/readyz`, `/metrics` and everything under `/.well-known` are answered by the gateway.',
    fix: 'Choose another path.',
  },
  ENDPOINT_DUPLICATE: {
    title: 'One path twice',
    why: 'A path belongs to one endpoint, or to the HTTP+SSE listener of one.',
    fix: 'Give `sse` a path that no other endpoint has, or leave it out.',
  },
  ENDPOINT_ALIAS: {
    title: 'An alias that cannot be one',
    why: 'An alias is the one name of one tool that this endpoint offers. It must be a name that every client takes, and no other tool may be called so.',
    fix: 'Write `name: upstream/tool` with an upstream of this endpoint, and a name that cannot be made of an upstream’s.',
  },
  ENDPOINT_MISSING: {
    title: 'No such endpoint',
    why: 'An entry of the pipeline that is for one endpoint would be for none, and what it guards stood open.',
    fix: 'Write its path as under `endpoints`.',
  },
  ENDPOINT_VIEW: {
    title: 'A view that nobody has',
    why: 'The first view that is for a caller holds, and one above is for everybody.',
    fix: 'Move the view for everybody to the end.',
  },
  OVERRIDE_NAME: {
    title: 'Not a name for a tool',
    why: 'Two tools of an upstream would have one name, or the name is none that MCP allows.',
    fix: 'Choose another name, or give the other tool one too.',
  },
  PLUGIN_ENTRY: {
    title: 'Not exactly one plugin in an entry',
    why: 'An entry of a pipeline names one plugin; beside it stand only `id`, `when`, `mode`, `on_error` and `timeout`.',
    fix: 'Give each plugin its own entry, and put options below the plugin.',
  },
  PLUGIN_UNKNOWN: {
    title: 'An unknown plugin',
    why: 'It is neither built in nor a path: a plugin of your own begins with `./`, `../` or `/` and ends in `.ts`, `.js` or `.mjs`.',
    fix: 'Correct the name.',
  },
  PLUGIN_ID: {
    title: 'Two entries with one id',
    why: 'The id names an entry in logs, metrics and reload plans. It is the name of the plugin unless given.',
    fix: 'Give one of them an `id` of its own.',
  },
  PLUGIN_OPTIONS: {
    title: 'Options the plugin does not take',
    why: 'Each plugin checks its options by its own schema.',
    fix: 'See the page of the plugin.',
  },
  PLUGIN_SETUP: {
    title: 'A plugin that does not start',
    why: 'Its file could not be loaded, or its setup threw.',
    fix: 'See the message of the plugin.',
  },
  PLUGIN_INTEGRITY: {
    title: 'What a plugin vouches for is not what it was',
    why: 'A plugin looked at what it has kept, such as the audit log, and found it changed, shortened or replaced. The process ends with code 10; a reload is refused.',
    fix: 'Keep a copy of what is there, find out who changed it, and do what the message says.',
  },
  PINS_UNREADABLE: {
    title: 'A pin file that is none',
    why: 'The file of approved definitions of tools cannot be read, or holds something else. What was read before holds.',
    fix: 'Mend it, or take it from version control; move it away to approve everything anew. Then reload.',
  },
  ENV_INCOMPLETE: {
    title: 'A variable without the one it belongs to',
    why: 'The variables that describe an upstream need `MCP_UPSTREAM_URL`, or an upstream called `upstream` in the file; a secret that signs needs its key. Two that say the same do not go together.',
    fix: 'Set the one that is named, or unset the variable.',
  },
  ENV_UNSUPPORTED: {
    title: 'A variable that does not go with the scheme that signs',
    why: 'Variables hold texts, and a scheme may need something else: a pair of keys, or more than one field. Ignoring the variable would leave requests without the protection it asks for.',
    fix: 'Unset it, or choose a scheme that takes it; a file can spell all of them.',
  },
  ENV_UNSAFE: {
    title: 'A variable that takes protection away',
    why: 'With `NODE_TLS_REJECT_UNAUTHORIZED=0` anybody on the way to an upstream could pose as it, and would be sent its credentials.',
    fix: 'Unset it. An authority of your own is trusted with `NODE_EXTRA_CA_CERTS=/path/ca.pem`.',
  },
  ENV_UNKNOWN: {
    title: 'A variable that looks like one of ours',
    why: 'Its name is one slip away from a variable the gateway reads; or the environment is the whole configuration, and this is no part of it.',
    fix: 'Correct the name, or ignore this warning.',
  },
} as const satisfies Record<string, CodeText>;

/** A stable name of a configuration error. Never changes its meaning. */
export type Code = keyof typeof CODES;
