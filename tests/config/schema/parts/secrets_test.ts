import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  botToken,
  EnvReference,
  resolveSecret,
  Secret,
  type SecretPlaces,
  type SecretSource,
} from "../../../../src/config/schema/parts/secrets.ts";
import { registerSecrets } from "../../../../src/config/secrets.ts";
import { configOf, loadedOf } from "../../support.ts";

/** A text that a header can contain, and that is no part of our own sentences. */
const secretText = fc.stringMatching(/^[!-~]{8,40}$/).map((text) => `s3cr3t${text}`);

function places(world: Partial<SecretPlaces> & { files?: Record<string, string> }): SecretPlaces {
  const { files = {}, ...given } = world;
  return {
    env: {},
    configFile: "/etc/barnacle/config.jsonc",
    readFile: (path) => Promise.resolve(files[path]),
    ...given,
  };
}

async function reveal(source: SecretSource, world: Parameters<typeof places>[0]): Promise<string> {
  const found = await resolveSecret(source, places(world));
  assert.ok(found instanceof Secret, JSON.stringify(found));
  return found.reveal();
}

describe("[C8] Secret", () => {
  const ways: readonly (readonly [name: string, show: (secret: Secret) => string])[] = [
    ["String()", (secret) => String(secret)],
    ["a template", (secret) => `${secret}`],
    ["concatenation", (secret) => "" + secret],
    ["JSON", (secret) => JSON.stringify({ token: secret, list: [secret] })],
    ["inspect", (secret) => inspect({ token: secret }, { showHidden: true, depth: 9 })],
    ["inspect alone", (secret) => inspect(secret)],
    ["its properties", (secret) => JSON.stringify(Object.entries({ ...secret }))],
    ["a clone of it", (secret) => inspect(structuredClone({ ...secret }))],
    ["an error", (secret) => inspect(new Error(`no ${secret}`, { cause: { secret } }))],
  ];
  for (const [name, show] of ways) {
    it(`is not shown by ${name}`, () => {
      fc.assert(
        fc.property(secretText, (text) => assert.ok(!show(new Secret(text)).includes(text))),
      );
    });
  }

  it("reveals its text on request", () => {
    assert.equal(new Secret("hunter2").reveal(), "hunter2");
  });

  it("is not shown by a config that contains some", async () => {
    const config = await configOf(
      `{ "channels": { "discord": { "token": "hunter2-discord", "dm": { "enabled": false } } },
         "http": { "token": "hunter2-http" },
         "models": { "providers": { "x": { "kind": "openai-compatible", "baseUrl": "http://x/",
           "apiKey": "\${KEY}", "headers": { "a": "hunter2-header" } } } } }`,
      { env: { KEY: "hunter2-key" } },
    );
    assert.equal(config.discord.token?.reveal(), "hunter2-discord");
    assert.equal(config.models.providers["x"]?.apiKey?.reveal(), "hunter2-key");
    assert.equal(config.models.providers["x"]?.headers["a"]?.reveal(), "hunter2-header");
    for (const shown of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })]) {
      assert.doesNotMatch(shown, /hunter2/);
    }
  });
});

describe("[C5] resolveSecret()", () => {
  it("reads a variable or a file, and trims", async () => {
    await fc.assert(
      fc.asyncProperty(
        secretText,
        fc.constantFrom("", " ", "\n", "\r\n", "\t "),
        async (text, space) => {
          const padded = `${space}${text}${space}`;
          assert.equal(await reveal(new EnvReference("A"), { env: { A: padded } }), text);
          assert.equal(await reveal({ file: "/a" }, { files: { "/a": padded } }), text);
          assert.equal(await reveal(new Secret(padded), {}), text);
        },
      ),
    );
  });

  const found: readonly (readonly [name: string, file: string, env: string, path: string])[] = [
    ["an absolute path, as it is", "/run/t", "/creds", "/run/t"],
    ["a path in the home folder", "~/t", "/creds", "/home/ada/t"],
    ["a credential of the service", "token", "/creds", "/creds/token"],
    ["`secret set` beside a service's own", "token", "/creds", "/etc/barnacle/credentials/token"],
    ["a path beside the config file", "token", "", "/etc/barnacle/token"],
    ["a folder beside the config file", "keys/token", "", "/etc/barnacle/keys/token"],
  ];
  for (const [name, file, credentials, path] of found) {
    it(`finds ${name}`, async () => {
      const env = { CREDENTIALS_DIRECTORY: credentials, HOME: "/home/ada" };
      assert.equal(await reveal({ file }, { env, files: { [path]: "hunter2" } }), "hunter2");
    });
  }

  it("takes a credential of the service first", async () => {
    const files = { "/creds/token": "new", "/etc/barnacle/credentials/token": "old" };
    const env = { CREDENTIALS_DIRECTORY: "/creds" };
    assert.equal(await reveal({ file: "token" }, { env, files }), "new");
  });

  it("finds nothing in the working directory for a config without a folder", async () => {
    const found = await reveal({ file: "t" }, { configFile: "config.jsonc", files: { t: "x" } });
    assert.equal(found, "x");
  });

  const refused: readonly (readonly [
    name: string,
    source: SecretSource,
    world: Parameters<typeof places>[0],
    why: RegExp,
  ])[] = [
    ["an unset variable", new EnvReference("A"), {}, /The variable A is not set/],
    ["an empty variable", new EnvReference("A"), { env: { A: " " } }, /The variable A is empty/],
    ["an empty file", { file: "/a" }, { files: { "/a": "\n" } }, /The file \/a is empty/],
    ["two lines", { file: "/a" }, { files: { "/a": "hunter2\nhunter3" } }, /line break/],
    ["a control character", new Secret("hunter2\u0007"), {}, /character that no token/],
    ["an unreadable file", { file: "/a" }, {
      readFile: () => Promise.reject(Object.assign(new Error("hunter2"), { code: "EACCES" })),
    }, /cannot be read \(EACCES\)/],
  ];
  for (const [name, source, world, why] of refused) {
    it(`refuses ${name}, and shows no part of it`, async () => {
      const problem = await resolveSecret(source, places(world));
      assert.ok(!(problem instanceof Secret));
      assert.match(problem.why, why);
      assert.doesNotMatch(JSON.stringify(problem), /hunter/);
    });
  }
});

describe("[C5] botToken()", () => {
  const cases: readonly (readonly [written: string, token: string])[] = [
    ["abc.def", "abc.def"],
    ["Bot abc.def", "abc.def"],
    ["bot  abc.def", "abc.def"],
    ["Botabc.def", "Botabc.def"],
  ];
  for (const [written, token] of cases) {
    it(`reads ${JSON.stringify(written)}`, () => {
      const found = botToken(new Secret(written));
      assert.ok(found instanceof Secret);
      assert.equal(found.reveal(), token);
    });
  }

  it("refuses the prefix alone", () => {
    assert.ok(!(botToken(new Secret("Bot")) instanceof Secret));
  });

  const others: readonly (readonly [what: string, written: string])[] = [
    ["client secret", "abcdefghijklmnopqrstuvwxyzABCDEF"],
    ["public key", "0123456789abcdef".repeat(4)],
    ["URL of a webhook", "https://discord.com/api/webhooks/1500000000000000002/abc_def"],
    ["an ID", "1500000000000000002"],
    ["user account", "mfa.abcdefghijklmnopqrstuvwxyz"],
  ];
  for (const [what, written] of others) {
    it(`names a ${what} in the token's place, and does not repeat it`, () => {
      const problem = botToken(new Secret(written));
      assert.ok(!(problem instanceof Secret));
      assert.match(problem.why, new RegExp(what));
      assert.ok(!JSON.stringify(problem).includes(written));
      const env = { DISCORD_API_URL: "http://127.0.0.1/api" };
      assert.ok(botToken(new Secret(written), env) instanceof Secret, "another server");
    });
  }

  it("takes the config's token over the environment's", async () => {
    const env = { DISCORD_BOT_TOKEN: "Bot from-env", T: "Bot from-config" };
    const keys = '"dm":{"enabled":false}';
    const token = async (text: string | undefined) =>
      (await configOf(text, { env })).discord.token?.reveal();
    assert.equal(await token(undefined), "from-env");
    assert.equal(await token(`{"channels":{"discord":{${keys}}}}`), "from-env");
    assert.equal(await token(`{"channels":{"discord":{${keys},"token":"\${T}"}}}`), "from-config");
  });
});

describe("[C8] registerSecrets()", () => {
  it("knows the password of an address alone, in both spellings, and the token of a header", async () => {
    const loaded = await loadedOf(
      `{ "channels": { "discord": { "dm": { "enabled": false } } },
         "alerts": { "webhook": "\${DB}" }, "http": { "token": "hunter2" },
         "mcp": { "servers": { "a": { "url": "http://a:1", "headers": { "a": "\${A}", "b": "\${B}" } } } } }`,
      {
        env: {
          DB: "https://bot:sword%2Ffish@db.example/x",
          A: "Bearer long-lived==",
          B: 'MediaBrowser Client="a", AccessToken="0123456789"',
        },
      },
    );
    const known: string[] = [];
    registerSecrets(loaded, {}, { addSecret: (secret) => void known.push(secret) });
    for (const secret of ["hunter2", "sword%2Ffish", "sword/fish", "long-lived==", "0123456789"]) {
      assert.ok(known.includes(secret), secret);
    }
    assert.ok(known.includes("https://bot:sword%2Ffish@db.example/x"));
  });
});
