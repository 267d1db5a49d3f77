import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorsOf, locateConfig, missingToken } from "../../src/config/load.ts";
import { configOf, discord, load, loadedOf, problemLines } from "./support.ts";

describe("loadConfig()", () => {
  it("[C1] needs no file if the environment has a token", async () => {
    const config = await configOf(undefined, { env: { DISCORD_BOT_TOKEN: "t" } });
    assert.equal(config.discord.token?.reveal(), "t");
    assert.equal(config.file, undefined);
    assert.equal(missingToken(config), undefined);
  });

  it("[C1] names the missing token without a file", async () => {
    assert.match(missingToken(await configOf(undefined))?.hint ?? "", /set DISCORD_BOT_TOKEN/);
  });

  /** Problems on a machine without the service's secrets. */
  const ELSEWHERE: readonly (readonly [text: string, told: RegExp])[] = [
    [discord('"token":"${T}"'), /^warning channels\.discord\.token: The variable T is not set$/],
    [
      discord('"token":{"file":"t"}'),
      /^warning channels\.discord\.token: There is no file credentials\/t or t$/,
    ],
    [discord('"token":"a\\nb"'), /^error channels\.discord\.token: .*contains a character/],
    [
      '{"http":{"bind":"0.0.0.0","token":"${T}"}}',
      /^warning http\.bind: .*does not listen on "0\.0\.0\.0"\nwarning http\.token: The variable T is not set/,
    ],
    ['{"http":{"bind":"0.0.0.0"}}', /^error http\.bind: .*there is no http\.token$/],
    ['{"http":{"bind":"0.0.0.0","token":"short"}}', /^error http\.token: The token is too short/],
    ['{"preflight":{"requiredVars":["T"]}}', /^$/],
  ];
  for (const [text, expected] of ELSEWHERE) {
    it(`[C5] reports on another machine, for ${text}: ${expected.source}`, async () => {
      const said = await problemLines(text, { isElsewhere: true });
      const problems = said.filter((one) => /token|http|preflight|backup/.test(one));
      assert.match(problems.join("\n"), expected);
    });
  }

  it("[C5] takes a part without its secret for one that is off, and the rest for valid", async () => {
    const loaded = await loadedOf(
      `{"hooks":{"a":{"to":"channel:1234567890123456","secret":{"file":"a"}}},
        "http":{"bind":"0.0.0.0","token":{"file":"http"}},
        "channels":{"discord":{"token":{"file":"t"}}}}`,
    );
    const { hooks, http, accounts } = loaded.config;
    assert.equal(hooks?.["a"]?.secret, undefined);
    assert.equal(http.token, undefined);
    assert.deepEqual(http.bind, ["127.0.0.1", "::1"]);
    assert.equal(accounts[0]?.token, undefined);
    assert.deepEqual(
      errorsOf(loaded, {}).map(({ severity, message }) => [severity, message]),
      [["error", "There is no file credentials/t or t"]],
    );
  });

  /** Addresses of alerts; none of the words repeats one. */
  const ALERTS: readonly (readonly [alerts: object, told: RegExp])[] = [
    [{ webhook: "https://example.org/hook" }, /^$/],
    [{ webhook: "${HOOK}" }, /^$/],
    [{ webhook: "http://192.168.1.5:8080/hook" }, /^$/],
    [
      { webhook: "hooks.example.org/hook" },
      /^error alerts\.webhook: The address is not valid: it does not begin with https:\/\/ or http:\/\/$/,
    ],
    [{ webhook: "ftp://example.org/hook" }, /^error alerts\.webhook: .*does not begin with/],
    [{ webhook: "${BAD}" }, /^error alerts\.webhook: .*does not begin with https/],
    [{ webhook: "${NONE}" }, /^warning alerts\.webhook: The variable NONE is not set$/],
    [{ webhook: "" }, /^error alerts\.webhook: /],
    [
      { webhook: "http://hooks.example.com/words" },
      /^warning alerts\.webhook: The alerts for hooks\.example\.com cross the network unencrypted$/,
    ],
  ];
  for (const [alerts, expected] of ALERTS) {
    it(`[O12] reports on alerts, for ${JSON.stringify(alerts)}`, async () => {
      const env = { HOOK: "https://example.org/x", BAD: "not an address" };
      const said = (await problemLines(JSON.stringify({ alerts }), { env }))
        .filter((one) => one.includes("alerts"));
      assert.match(said.join("\n"), expected);
      assert.doesNotMatch(said.join(), /example\.org|an address|my-topic/);
    });
  }

  it("[L2] says why it cannot use a named model", async () => {
    const env = { DISCORD_BOT_TOKEN: "t" };
    const loaded = await loadedOf('{"agents":{"defaults":{"model":"openai/a"}}}', { env });
    assert.match(errorsOf(loaded, {})[0]?.message ?? "", /needs OPENAI_API_KEY/);
    assert.deepEqual(errorsOf(loaded, { OPENAI_API_KEY: "k" }), []);
    assert.deepEqual(errorsOf(await loadedOf(undefined, { env }), {}), []);
  });

  it("[C1] [C5] warns of a model that hears, and takes no other maker's for one", async () => {
    const said = async (model: string, env = {}) =>
      (await problemLines(`{"audio":{"transcribe":"${model}"}}`, { env }))
        .filter((line) => line.includes("audio.transcribe")).join();
    assert.match(await said("openai/whisper-1"), /^warning audio\.transcribe: .*OPENAI_API_KEY/);
    assert.equal(await said("openai/whisper-1", { OPENAI_API_KEY: "k" }), "");
    const other = await said("anthropic/claude", { ANTHROPIC_API_KEY: "k" });
    assert.match(other, /^error audio\.transcribe: .*has no OpenAI-compatible API/);
  });

  it("[N1] finds the line of the agent whose model has no key", async () => {
    const text = `{ "agents": { "defaults": { "model": "ollama/a" }, "list": [
      { "id": "main" },
      { "id": "writer",
        "model": "anthropic/claude" }
    ] } }`;
    const loaded = await loadedOf(text, { env: { DISCORD_BOT_TOKEN: "t" } });
    const [{ path, line, column } = {}] = errorsOf(loaded, {});
    assert.deepEqual([path, line, column], ["agents.list[1].model", 4, 9]);
  });

  it("[SEC-R10] knows each secret of the file, also one that accounts override", async () => {
    const text = `{
      "channels": { "discord": {
        "pluralkit": { "token": "above" },
        "accounts": { "a": { "token": "t1", "pluralkit": { "token": "own" } } },
      } },
      "mcp": { "servers": {
        "files": { "command": "x", "env": { "KEY": "\${MCP_KEY}" } },
        "far": { "url": "https://mcp.example/", "headers": { "x-key": "h1" } },
      } },
    }`;
    const loaded = await load(text, { env: { MCP_KEY: "m1" } });
    assert.ok(loaded.kind === "loaded", JSON.stringify(loaded.problems));
    const secrets = Array.from(loaded.secrets, ([at, { secret }]) => `${at} ${secret.reveal()}`);
    assert.deepEqual(secrets.toSorted(), [
      "channels.discord.accounts.a.pluralkit.token own",
      "channels.discord.accounts.a.token t1",
      "channels.discord.pluralkit.token above",
      "mcp.servers.far.headers.x-key h1",
      "mcp.servers.files.env.KEY m1",
    ]);
  });

  it("[C7] needs no token if Discord is off", async () => {
    assert.equal(missingToken(await configOf(discord('"enabled":false'))), undefined);
  });

  it("[H1] [H2] reads history limits, the nearest first", async () => {
    const limits = async (text: string) => {
      const { historyLimit, dmHistoryLimit, dms } = (await configOf(text)).discord;
      return [historyLimit, dmHistoryLimit, Object.values(dms)[0]?.historyLimit];
    };
    const shared = '"messages":{"groupChat":{"historyLimit":7}}';
    assert.deepEqual(await limits(`{${shared}}`), [7, undefined, undefined]);
    assert.deepEqual(
      await limits(
        `{${shared},"channels":{"discord":{"historyLimit":0,"dmHistoryLimit":5,` +
          `"dms":{"175928847299117063":{"historyLimit":0}}}}}`,
      ),
      [0, 5, 0],
    );
  });

  it("[C2] reports gaps of the file and of the environment at once", async () => {
    const text = `{"channels":{"discord":{"dm":{"enabled":false},"token":"\${NO_TOKEN}"}},
      "preflight":{"requiredVars":["HOME_SWEET","SET"]},
      "models":{"providers":{"x":{"kind":"anthropic","apiKey":{"file":"/no/key"}}}}}`;
    assert.deepEqual(await problemLines(text, { env: { SET: "1" } }), [
      "warning channels.discord.token: The variable NO_TOKEN is not set",
      "error preflight.requiredVars[0]: The variable HOME_SWEET is not set",
      "warning models.providers.x.apiKey: There is no file /no/key",
    ]);
  });

  it("[C5] refuses an invalid token in the environment", async () => {
    const loaded = await load(undefined, { env: { DISCORD_BOT_TOKEN: "a\nb" } });
    assert.equal(loaded.kind, "refused");
  });

  it("[C5] reads a blank token as not set, with or without the environment's", async () => {
    for (const blank of ['""', '"  "']) {
      const text = discord(`"token":${blank}`);
      const config = await configOf(text, { env: { DISCORD_BOT_TOKEN: "x" } });
      assert.equal(config.discord.token?.reveal(), "x");
      assert.match(missingToken(await configOf(text))?.hint ?? "", /set DISCORD_BOT_TOKEN/);
    }
  });

  it("[C5] says of a token's absent file what is wrong with it, and the command that writes it", async () => {
    const text = discord('"token":{"file":"mine"}');
    const { problems } = await loadedOf(text);
    const [problem] = problems;
    assert.match(problem?.hint ?? "", /barnacle secret set mine/);
    assert.equal(missingToken(await configOf(text), problems), problem);
    const placeholder = await load(text, { files: { mine: "your-token-here" } });
    assert.deepEqual(placeholder.problems.map(({ hint }) => hint), [
      "run `barnacle secret set mine`",
    ]);
  });

  it("[C5] names the place for the token", async () => {
    const env = { DISCORD_BOT_TOKEN: " Bot x ", MINE: "y" };
    const place = async (text: string | undefined) =>
      (await configOf(text, { env, files: { "/run/token": "x" } })).discord.tokenPlace;
    assert.equal(await place(undefined), "DISCORD_BOT_TOKEN");
    assert.equal(await place(discord('"enabled":true')), "DISCORD_BOT_TOKEN");
    assert.equal(await place(discord('"token":"${MINE}"')), "MINE");
    assert.equal(await place(discord('"token":{"file":"/run/token"}')), "the file /run/token");
    assert.equal(await place(discord('"token":"x"')), "channels.discord.token");
  });

  it("[T13] names the files of its secrets, which the sandbox hides", async () => {
    const config = await configOf(discord('"token":{"file":"/t"}'), { files: { "/t": "x" } });
    assert.deepEqual(config.secretFiles, ["/t"]);
  });

  it("[C8] tells whether the file contains a secret itself", async () => {
    const holds = async (token: string, env: Record<string, string> = {}) => {
      const loaded = await load(discord(`"token":${token}`), { env, files: { "/t": "x" } });
      return loaded.kind === "loaded" && loaded.holdsSecret;
    };
    assert.equal(await holds('"literal"'), true);
    assert.equal(await holds('"${T}"', { T: "x" }), false);
    assert.equal(await holds('{"file":"/t"}'), false);
    const fromEnv = await load(undefined, { env: { DISCORD_BOT_TOKEN: "x" } });
    assert.equal(fromEnv.kind === "loaded" && fromEnv.holdsSecret, false);
  });

  const SHORT = "0123456789012345678901234567890";
  const binds: readonly (readonly [bind: string, token: string, ends: string])[] = [
    ['"127.0.0.1"', "", "loaded"],
    ['["127.0.0.1","::1"]', "", "loaded"],
    ['"0.0.0.0"', "", "refused"],
    ['["127.0.0.1","::"]', "", "refused"],
    ['"localhost"', "", "refused"],
    ['"0.0.0.0"', SHORT, "refused"],
    ['"0.0.0.0"', `${SHORT}1`, "loaded"],
  ];
  for (const [bind, token, ends] of binds) {
    it(`[SEC-R30] is ${ends} with http.bind ${bind} and a token of ${token.length}`, async () => {
      const key = token === "" ? "" : `,"token":"${token}"`;
      const loaded = await load(`{"http":{"bind":${bind}${key}}}`);
      assert.equal(loaded.kind, ends);
      assert.doesNotMatch(JSON.stringify(loaded.problems), /0123456789/);
    });
  }

  const unread: readonly (readonly [bind: readonly string[], listensOn: readonly string[]])[] = [
    [["0.0.0.0"], ["127.0.0.1", "::1"]],
    [["127.0.0.1", "10.8.0.2"], ["127.0.0.1"]],
    [["localhost", "::"], ["127.0.0.1", "::1"]],
  ];
  for (const [bind, listensOn] of unread) {
    it(`[SEC-R30] listens on ${listensOn.join()} in place of ${bind.join()}, if the token is missing`, async () => {
      const written = { http: { bind, token: "${T}" } };
      assert.deepEqual((await loadedOf(JSON.stringify(written))).config.http.bind, listensOn);
    });
  }

  const open: readonly (readonly [text: string, env: Record<string, string>, warns: boolean])[] = [
    ["{}", { OPENAI_BASE_URL: "http://models.example.com/v1", OPENAI_API_KEY: "sk-1" }, true],
    ["{}", { ANTHROPIC_BASE_URL: "http://8.8.8.8", ANTHROPIC_API_KEY: "sk-1" }, true],
    ["{}", { OPENAI_BASE_URL: "http://models.example.com/v1" }, false],
    ["{}", { OPENAI_BASE_URL: "https://models.example.com/v1", OPENAI_API_KEY: "sk-1" }, false],
    ["{}", { OPENAI_BASE_URL: "http://10.0.0.7/v1", OPENAI_API_KEY: "sk-1" }, false],
    [
      '{"models":{"providers":{"openai":{"kind":"openai-compatible","baseUrl":"https://own.example/v1"}}}}',
      { OPENAI_BASE_URL: "http://models.example.com/v1", OPENAI_API_KEY: "sk-1" },
      false,
    ],
  ];
  for (const [text, env, warns] of open) {
    it(`[SEC-R9] ${warns ? "warns" : "is silent"} of ${Object.values(env)} beside ${text}`, async () => {
      const { kind, problems } = await load(text, { env });
      assert.equal(kind, "loaded");
      const found = problems.filter(({ message }) => message.includes("unencrypted"));
      assert.equal(found.length, warns ? 1 : 0);
      assert.doesNotMatch(JSON.stringify(found), /sk-1/);
    });
  }
});

const ETC = "/etc/barnacle/config.jsonc";
const HOME = "/home/ada/.config/barnacle/config.jsonc";
const XDG = "/xdg/barnacle/config.jsonc";
const HERE = "./config.jsonc";

/** A machine with these files. */
const only = (...files: readonly string[]) => (file: string) => files.includes(file);

/** Variables of Windows, and their configs. */
const WINDOWS = { APPDATA: "C:\\Users\\ada\\AppData\\Roaming", ProgramData: "C:\\ProgramData" };
const ROAMING = "C:\\Users\\ada\\AppData\\Roaming\\barnacle\\config.jsonc";
const PROGRAM_DATA = "C:\\ProgramData\\barnacle\\config.jsonc";
const SHARE = "\\\\srv\\ada\\barnacle\\config.jsonc";

describe("[C1] locateConfig()", () => {
  const cases: readonly (readonly [
    name: string,
    flag: string | undefined,
    env: Readonly<Record<string, string>>,
    files: readonly string[],
    path: string,
  ])[] = [
    ["the flag's file first", "a", { BARNACLE_CONFIG: "b" }, ["a", "b", HERE, ETC], "a"],
    ["then the environment's", undefined, { BARNACLE_CONFIG: "b" }, ["b", HERE, ETC], "b"],
    ["then the one here", undefined, { HOME: "/home/ada" }, [HERE, HOME, ETC], HERE],
    ["then the user's", undefined, { HOME: "/home/ada" }, [HOME, ETC], HOME],
    ["that of XDG", undefined, { HOME: "/home/ada", XDG_CONFIG_HOME: "/xdg/" }, [XDG, HOME], XDG],
    ["no relative XDG", undefined, { HOME: "/home/ada", XDG_CONFIG_HOME: "xdg" }, [HOME], HOME],
    ["config.json, too", undefined, {}, ["./config.json", ETC], "./config.json"],
    ["then the machine's", undefined, { BARNACLE_CONFIG: "" }, [ETC], ETC],
    ["the user's of Windows", undefined, WINDOWS, [ROAMING, PROGRAM_DATA], ROAMING],
    ["the machine's of Windows", undefined, WINDOWS, [PROGRAM_DATA, ETC], PROGRAM_DATA],
    ["no relative path of Windows", undefined, { APPDATA: "x", HOME: "/home/ada" }, [HOME], HOME],
    ["a profile on a server", undefined, { APPDATA: "\\\\srv\\ada" }, [SHARE], SHARE],
  ];
  for (const [name, flag, env, files, path] of cases) {
    it(`finds ${name}`, () => {
      assert.deepEqual(locateConfig(flag, env, only(...files)), { kind: "file", path });
    });
  }

  it("reads no other file in place of a named one", () => {
    assert.deepEqual(locateConfig("a", {}, only(HERE)), {
      kind: "missing",
      path: "a",
      named: "--config",
    });
    assert.deepEqual(locateConfig(undefined, { BARNACLE_CONFIG: "b" }, only(HERE)), {
      kind: "missing",
      path: "b",
      named: "BARNACLE_CONFIG",
    });
  });

  it("lists the paths that it tried", () => {
    assert.deepEqual(locateConfig(undefined, { HOME: "/home/ada" }, only()), {
      kind: "none",
      looked: [HERE, HOME, ETC],
    });
  });
});
