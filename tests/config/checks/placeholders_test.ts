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
} from "../../../src/config/checks/issues.ts";
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

it("[P12] placeholdersIn() › finds keys and values, in the order of the file", () => {
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

describe("[P12] a config with placeholders", () => {
  it("is refused if it is copied unchanged from docs/by-hand-config.md", async () => {
    const page = readFileSync(join(ROOT, "docs/by-hand-config.md"), "utf8");
    const [sample = ""] = Array.from(
      page.matchAll(/```jsonc\n([^]*?)```/g),
      ([, text = ""]) => text,
    )
      .filter((text) => text.includes("YOUR_"));
    const { kind } = await load(sample);
    assert.equal(kind, "refused");
    assert.deepEqual((await problemLines(sample)).filter((line) => line.startsWith("error")), [
      'error channels.discord.guilds.YOUR_SERVER_ID: "YOUR_SERVER_ID" is a placeholder',
      'error channels.discord.dm.allowFrom[0]: "YOUR_USER_ID" is a placeholder',
    ]);
  });

  it("shows the key, and where to find the value", async () => {
    assert.equal(
      await rendered(discord('"guilds":{"YOUR_SERVER_ID":{}}')),
      `config.jsonc:1:58: error: "YOUR_SERVER_ID" is a placeholder
  in channels.discord.guilds.YOUR_SERVER_ID
1 | {"channels":{"discord":{"dm":{"enabled":false},"guilds":{"YOUR_SERVER_ID":{}}}}}
  |                                                          ^^^^^^^^^^^^^^^^
  = write your own value there; for an ID, switch on Developer Mode in Discord's settings, under Advanced, then right-click the server, channel, role or user, and copy its ID
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
      .concat("postgres://your-host/db", "postgres://user:changeme@db/bot", "sk-ant-********")
      .concat("https://discord.com/api/webhooks/YOUR_ID/YOUR_TOKEN", "[your key]", "AIza-...")
  ) {
    it(`finds ${text}`, () => assert.ok(isSecretPlaceholder(text)));
  }

  for (
    const text of ["swordfish", "x", "*".repeat(8), "my-secret", "x".repeat(40), "sk-abc123"]
      .concat("token", "TOKENS", "https://www1.your-server.de/hook", "https://your-krill.net/hook")
      .concat("postgres://bot:your-krill@db.example.com/db", "https://ntfy.sh/your-krill")
      .concat("ollama", "none", "dummy", "no-key", "not-needed", "lm-studio", "sk-1234", "EMPTY")
      .concat("correct-horse-battery", "wait...", "a[key]", "[1]", '["key"]', "xoxo", "x-y-z")
      .concat("sk-ant-api03-R2D2c3POxxxBB8your_Key-q7Lx4Vb8Nz1Tc6Rw3Ym5Gp0Hj2Q-AAAAAAAA")
      .concat("postgres://user:password@localhost/bot", "https://me:pass@host/v1")
      .concat("https://discord.com/api/webhooks/1/token?wait=true", "https://ntfy.sh/my-token")
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
