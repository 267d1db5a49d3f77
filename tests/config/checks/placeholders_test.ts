import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  isPlaceholder,
  isSecretPlaceholder,
  placeholdersIn,
} from "../../../src/config/checks/placeholders.ts";
import { cases } from "../../support/long_form.ts";
import { discord, load, problemLines, rendered } from "../support.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");

describe("[P12] isPlaceholder()", () => {
  const cases: readonly [text: string, isOne: boolean][] = [
    ["YOUR_SERVER_ID", true],
    [" YOUR_BOT_TOKEN ", true],
    ["user:YOUR_USER_ID", true],
    ["role:YOUR_ROLE_ID", true],
    ["@YOUR_NAME", true],
    ["<YOUR_GUILD_ID>", true],
    ["CHANNEL_ID_HERE", true],
    ["user:PASTE_ID_HERE", true],
    ["CHANGE_ME", true],
    ["REPLACEME", true],
    ["come_here", false],
    ["REPLACE_MENTIONS", false],
    ["<your server id>", true],
    ["<user-id>", true],
    ["<channel>", true],
    ["your_mother", false], // a username
    ["YOUR SERVER", false], // a server's name
    ["<@123456789012345678>", false],
    ["<3 friends>", false],
    ["${YOUR_TOKEN}", false], // a variable, which has its own errors
    ["Ask YOUR_NAME for help.", false],
    ["123456789012345678", false],
  ];
  for (const [text, isOne] of cases) {
    it(`"${text}": ${isOne ? "a placeholder" : "a value"}`, () => {
      assert.equal(isPlaceholder(text), isOne);
    });
  }
});

describe("[P12] placeholdersIn()", () => {
  it("finds keys and values, in the order of the file", () => {
    const file = {
      token: "YOUR_BOT_TOKEN",
      guilds: { YOUR_SERVER_ID: { users: ["ada", "YOUR_USER_ID"] }, help: {} },
    };
    assert.deepEqual(placeholdersIn(file).map(({ path }) => path.join(".")), [
      "token",
      "guilds.YOUR_SERVER_ID",
      "guilds.YOUR_SERVER_ID.users.1",
    ]);
  });

  const hints: readonly [value: unknown, says: RegExp][] = [
    [{ guilds: { YOUR_SERVER_ID: {} } }, /Copy Server ID/],
    [{ guilds: { "<id>": {} } }, /Copy Server ID/],
    [{ guilds: { "*": { channels: { "<id>": {} } } } }, /Copy Channel ID/],
    [{ guilds: { "*": { users: ["role:YOUR_ROLE"] } } }, /Copy Role ID/],
    [{ guilds: { "*": { channels: { "*": { users: ["YOUR_ID"] } } } } }, /Copy User ID/],
    [{ dm: { allowFrom: ["YOUR_ID"] } }, /Copy User ID/],
    [{ token: "YOUR_BOT_TOKEN" }, /developer portal/],
    [{ channels: { discord: { token: "CHANGE_ME" } } }, /developer portal/],
    [{ channels: { discord: { accounts: { b: { token: "<token>" } } } } }, /developer portal/],
    [{ channels: { discord: { pluralkit: { token: "YOUR_TOKEN" } } } }, /^send `pk;token`/],
    [{ http: { token: "CHANGE_ME" } }, /^write at least 32 random characters/],
    [{ alerts: { ntfyToken: "YOUR_TOKEN" } }, /^write your own value there$/],
    [{ models: { providers: { x: { apiKey: "YOUR_API_KEY" } } } }, /key of your model provider/],
    [{ models: { providers: { x: { headers: { a: "<token>" } } } } }, /key of your model provider/],
    [{ tools: { web: { search: { apiKey: "YOUR_API_KEY" } } } }, /^write the key of that service$/],
    [
      { mcp: { servers: { a: { env: { T: "YOUR_TOKEN" } } } } },
      /^write the value that this server/,
    ],
    [{ slug: "YOUR_WORD" }, /write your own value/],
  ];
  for (const [value, says] of hints) {
    it(`says where to find the value of ${JSON.stringify(value)}`, () => {
      assert.match(placeholdersIn(value)[0]?.hint ?? "", says);
    });
  }
});

describe("[P12] a config with placeholders", () => {
  for (const page of ["README.md", "docs/getting-started.md"]) {
    it(`is refused if it is copied unchanged from ${page}`, async () => {
      const blocks = readFileSync(join(ROOT, page), "utf8").matchAll(/```jsonc\n([^]*?)```/g);
      const [sample = ""] = [...blocks].map(([, text = ""]) => text)
        .filter((text) => text.includes("YOUR_"));
      const { kind } = await load(sample);
      assert.equal(kind, "refused");
      assert.deepEqual((await problemLines(sample)).filter((line) => line.startsWith("error")), [
        'error channels.discord.guilds.YOUR_SERVER_ID: "YOUR_SERVER_ID" is a placeholder',
        'error channels.discord.dm.allowFrom[0]: "YOUR_USER_ID" is a placeholder',
      ]);
    });
  }

  it("shows the key, and where to find the value", async () => {
    assert.equal(
      await rendered(discord('"guilds":{"YOUR_SERVER_ID":{}}')),
      `config.jsonc:1:58: error: "YOUR_SERVER_ID" is a placeholder
  in channels.discord.guilds.YOUR_SERVER_ID
1 | {"channels":{"discord":{"dm":{"enabled":false},"guilds":{"YOUR_SERVER_ID":{}}}}}
  |                                                          ^^^^^^^^^^^^^^^^
  = switch on Developer Mode in Discord's settings, under Advanced; then right-click the server, Copy Server ID
`,
    );
  });

  it("[C10] loads with warnings for commands that edit the file", async () => {
    const { kind, problems } = await load(discord('"guilds":{"YOUR_SERVER_ID":{}}'), {
      isElsewhere: true,
    });
    assert.equal(kind, "loaded");
    assert.deepEqual(problems.map(({ severity }) => severity), ["warning"]);
  });
});

describe("[C5] isSecretPlaceholder()", () => {
  for (
    const text of ["YOUR_BOT_TOKEN", "your-api-key", "sk-your-key-here", "<token>", "changeme"]
      .concat("Bearer <your token>", "sk-...", "xxxxxxxx", "paste_it_here", "replace-this")
      .concat("paste-your-token", "TOKEN", "DISCORD_BOT_TOKEN", "https://your-webhook-url")
      .concat("postgres://your-host/db", "postgresql://bot:x@your-host:5432/db")
      .concat("https://your-domain.com/hook", "https://discord.com/api/webhooks/YOUR_ID/YOUR_TOKEN")
      .concat("https://hooks.example.com/<token>")
      // Keys, as examples of the services show them.
      .concat("sk-ant-...", "sk-ant-api03-...", "sk-proj-...", "sk-or-v1-...", "gsk_...", "AIza...")
      .concat("AIzaSy…", "pk_live_...", "hf_xxxxxxxxxxxxxxxx", "sk-ant-xxxx", "sk-ant-your-key")
      .concat("replace-with-your-key", "REPLACE_WITH_API_KEY", "my-api-key", "MY-OPENAI-API-KEY")
      .concat("my_bot_token", "sk-ant-********", "[your key]", "[API_KEY]", "Bearer sk-ant-...")
      // Passwords and hosts of databases.
      .concat("postgres://user:your-password@db.example/bot", "postgres://user:changeme@db/bot")
      .concat("postgresql://USER:PASSWORD@HOST:5432/DB", "postgres://bot:swordfish@HOST/bot")
      .concat("postgresql://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/postgres")
      .concat("postgres://user:****@db/bot", "postgres://bot:xxxx@db/bot", "postgres://DB_HOST/bot")
      // Addresses of webhooks.
      .concat("https://hooks.example/your-token", "https://hooks.example/a?key=your_api_key&b=1")
      .concat("https://discord.com/api/webhooks/ID/TOKEN", "https://ntfy.sh/your-topic")
      .concat("https://discord.com/api/webhooks/123456789012345678/WEBHOOK_TOKEN")
      .concat("https://hooks.slack.com/services/T000/B000/XXXX")
      .concat(`https://hooks.slack.com/services/T00000000/B00000000/${"X".repeat(24)}`)
      .concat("https://discord.com/api/webhooks/...", "https://hooks.example/replace-me")
  ) {
    it(`finds ${text}`, () => assert.ok(isSecretPlaceholder(text)));
  }

  for (
    const text of ["swordfish", "x", "*".repeat(8), "my-secret", "x".repeat(40), "sk-abc123"]
      .concat("token", "TOKENS", "https://www1.your-server.de/hook", "https://your-krill.net/hook")
      .concat("postgres://bot:your-krill@db.example.com/db", "https://ntfy.sh/your-krill")
      // Keys of local servers, which check none or short ones.
      .concat("ollama", "none", "dummy", "no-key", "not-needed", "lm-studio", "sk-1234", "EMPTY")
      .concat(
        "openai-key",
        "key-of-my-api",
        "sk-my-own-server",
        "token-abc123",
        "sk-no-key-required",
      )
      .concat("correct-horse-battery", "wait...", "a[key]", "[1]", '["key"]', "xoxo", "x-y-z")
      .concat("sk-ant-api03-R2D2c3POxxxBB8your_Key-q7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q-AAAAAAAA")
      .concat("sk-proj-9Fd2Kq7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q", "gsk_9Fd2Kq7Lx4Vb8Nz1Tc6Rw3Ym5")
      .concat("AIzaSyD9Fd2Kq7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q", "hf_xxK9Fd2Kq7Lx4Vb8Nz1Tc6Rw3")
      .concat("postgres://user:password@localhost/bot", "postgres://postgres:postgres@db:5432/bot")
      .concat("postgres://bot:correct-horse-battery@db.example.org/bot", "postgres://a@b/c")
      .concat("postgres://bot:swordfish@[fd00::1]:5432/bot", "postgres://my-host/my-database")
      .concat("postgres://BOT:K9FD2KQ7@DB1.EXAMPLE.ORG/BOT", "https://me:pass@host/v1")
      .concat("https://hooks.slack.com/services/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")
      .concat("https://discord.com/api/webhooks/1500000000000000002/abc_def-9Fd2Kq7Lx4Vb8Nz1Tc6R")
      .concat("https://discord.com/api/webhooks/1/token?wait=true", "https://auth.example/token")
      .concat("http://homeassistant.local:8123/api/webhook/wake-nas", "https://ntfy.sh/my-token")
      .concat("https://maker.ifttt.com/trigger/BOT_DOWN/with/key/dK9Fd2Kq7Lx4Vb8Nz1Tc6R")
  ) {
    it(`takes ${text} for a secret`, () => assert.ok(!isSecretPlaceholder(text)));
  }

  it("takes each random key for a secret, with the prefix of a service or in an address", () => {
    const randomKey = fc.uint8Array({ minLength: 20, maxLength: 80 }).chain((bytes) => {
      const buffer = Buffer.from(bytes);
      return fc.constantFrom(
        buffer.toString("hex"),
        buffer.toString("hex").toUpperCase(),
        buffer.toString("base64"),
        buffer.toString("base64url"),
        buffer.toString("base64").replace(/[^A-Za-z0-9]/g, ""),
      );
    }).filter((key) => key.length >= 20);
    const around = fc.constantFrom(
      ["", ""],
      ["Bearer ", ""],
      ...[
        "sk-",
        "sk-ant-api03-",
        "sk-proj-",
        "sk-or-v1-",
        "gsk_",
        "AIza",
        "hf_",
        "xai-",
        "pk_live_",
      ]
        .map((prefix) => [prefix, ""]),
      ["postgres://bot:", "@db.example.org:5432/barnacle?sslmode=require"],
      ["https://discord.com/api/webhooks/1500000000000000002/", "?wait=true"],
      ["https://hooks.slack.com/services/T02AB3CD4/B05EF6GH7/", ""],
      ["https://hooks.example/a?token=", "&b=1"],
    );
    fc.assert(
      fc.property(randomKey, around, (key, [before = "", after = ""]) => {
        assert.ok(!isSecretPlaceholder(`${before}${key}${after}`));
      }),
      { numRuns: cases(1_000, 100_000) },
    );
  });

  it("refuses each secret that is one, wherever it stands, before any request", async () => {
    const text = `{
      "channels": { "discord": { "token": "\${T}", "dm": { "enabled": false } } },
      "models": { "providers": { "x": { "kind": "openai-compatible", "baseUrl": "http://127.0.0.1/v1",
        "apiKey": "sk-your-key-here", "headers": { "authorization": "Bearer <token>" } } } }
    }`;
    const lines = await problemLines(text, {
      env: { T: "your-token-here", GEMINI_API_KEY: "changeme" },
    });
    assert.equal(lines.filter((line) => /^error .*placeholder/.test(line)).length, 4);
  });

  it("says where to find each secret, also one of a variable", async () => {
    const text = `{
      "channels": { "discord": { "dm": { "enabled": false } } },
      "http": { "token": "\${HTTP}" },
      "alerts": { "webhook": "https://your-webhook-url" }
    }`;
    const env = { DISCORD_BOT_TOKEN: "paste-your-token", HTTP: "TOKEN" };
    const { problems } = await load(text, { env });
    const hints = problems.filter(({ message }) => message.endsWith(" is a placeholder"))
      .map(({ path, hint = "" }) => `${path}: ${hint}`);
    assert.deepEqual(hints.map((hint) => hint.slice(0, 50)).sort(), [
      "alerts.webhook: copy the whole address, as the ser",
      "channels.discord.token: get the bot token in Disco",
      "http.token: write at least 32 random characters, s",
    ]);
  });

  it("names the variable or the file whose text is no bot token", async () => {
    const secret = "abcdefghijklmnopqrstuvwxyzABCDEF";
    const why = "is the application's client secret, and no bot token";
    const lines = await problemLines(discord('"historyLimit":1'), {
      env: { DISCORD_BOT_TOKEN: secret },
    });
    assert.ok(
      lines.includes(`error channels.discord.token: The variable DISCORD_BOT_TOKEN ${why}`),
    );
    const inFile = await problemLines(discord('"token":{"file":"/t"}'), {
      files: { "/t": secret },
    });
    assert.ok(inFile.includes(`error channels.discord.token: The file /t ${why}`));
    const written = await problemLines(discord(`"token":"${secret}"`));
    assert.ok(written.includes(`error channels.discord.token: The token ${why}`));
  });
});
