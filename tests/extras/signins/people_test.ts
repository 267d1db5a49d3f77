import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { ToolContext } from "../../../src/core/turn/tool.ts";
import { createSignInPage } from "../../../src/extras/signins/page.ts";
import { createPeople, type EachServer } from "../../../src/extras/signins/own_servers.ts";
import { createSealing } from "../../../src/mcp/oauth/logins.ts";
import { beginSignIn } from "../../../src/mcp/sign_in.ts";
import { userId } from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { type AccountServer, startAccountServer } from "../../support/model/own_accounts.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { guildMessage } from "../../support/discord/builders.ts";

const BACK = "http://127.0.0.1:8765/callback";
const DAY = 86_400_000;
const NAMES = ["ada", "grace", "mary"] as const;
type Name = typeof NAMES[number];
const idOf = (name: Name): UserId => userId(`${NAMES.indexOf(name) + 1}`);

function setUp(server: AccountServer, dataDir: string) {
  const state = { now: Date.now(), left: new Set<UserId>(), each: [] as EachServer[] };
  const cal: EachServer = {
    id: "cal",
    transport: { kind: "http", url: server.url, headers: {}, isEach: true },
  };
  state.each = [cal];
  const { log } = recordingLog();
  const people = createPeople({
    accountId: "default",
    dataDir,
    secret: () => "bot token",
    servers: () => state.each,
    hasLeft: (id) => Promise.resolve(state.left.has(id)),
    // No wait ends by a timer: a busy machine would have no tools in time.
    ports: { version: "1", now: () => state.now, schedule: () => () => {}, log },
  });
  async function signIn(name: Name): Promise<void> {
    const signIn = await beginSignIn(cal.transport, BACK, () => state.now);
    people.keep(
      idOf(name),
      cal,
      await signIn.finish(server.allow(signIn.address, name).searchParams),
    );
  }
  async function call(name: Name): Promise<string | undefined> {
    await people.ready(idOf(name), cal);
    const tool = people.tools(idOf(name), cal).find((one) => one.name === "mcp__cal__agenda");
    const message = { ...guildMessage(), sender: { ...guildMessage().sender, id: idOf(name) } };
    const context = {
      message,
      callKey: `${name}:1`,
      sessionKey: "",
      signal: new AbortController().signal,
    } as unknown as ToolContext;
    return await tool?.run({}, context).catch((error: unknown) => `failed: ${String(error)}`);
  }
  return { state, people, cal, signIn, call };
}

describe("[T13a] createPeople()", () => {
  it("never lets a turn of one person use another's token, in any order of events", async () => {
    const who = fc.constantFrom(...NAMES);
    const step = fc.record({
      do: fc.constantFrom("sign in", "call", "end", "revoke", "both"),
      who,
      other: who,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
        await using server = await startAccountServer();
        using folder = tempDirectory();
        const { people, signIn, call } = setUp(server, folder.path);
        const valid = new Set<Name>();
        const check = (name: Name, result: string | undefined) => {
          if (valid.has(name)) assert.match(result ?? "", new RegExp(`^agenda of ${name},`));
          else assert.doesNotMatch(result ?? "", /agenda of/);
          assert.doesNotMatch(result ?? "", /(?:access|refresh)-[0-9a-f]/);
        };
        try {
          for (const { do: what, who, other } of steps) {
            if (what === "sign in") valid.add((await signIn(who), who));
            else if (what === "end") valid.delete((people.end(idOf(who), "cal"), who));
            else if (what === "revoke") valid.delete((server.revoke(who), who));
            else {
              const both = what === "both" && other !== who ? [who, other] : [who];
              const results = await Promise.all(both.map(call));
              both.forEach((name, at) => check(name, results[at]));
            }
          }
          assert.ok(server.calls.every(({ who }) => NAMES.includes(who as Name)));
        } finally {
          await people.close();
        }
      }),
      { numRuns: cases(12, 200) },
    );
  });

  it("ends a login that is unused for 90 days, or of a person who left", async () => {
    await using server = await startAccountServer();
    using folder = tempDirectory();
    const { state, people, cal, signIn } = setUp(server, folder.path);
    for (const name of NAMES) await signIn(name);
    const left = () => NAMES.filter((name) => people.loginAt(idOf(name), cal));
    state.left.add(idOf("ada"));
    await people.sweep();
    assert.deepEqual(left(), ["grace", "mary"]);
    state.now += 60 * DAY;
    await people.ready(idOf("grace"), cal); // a use
    state.now += 31 * DAY;
    await people.sweep();
    assert.deepEqual(left(), ["grace"]);
    await people.close();
  });
});

describe("[T13a] createSealing()", () => {
  it("writes no token as it is, for no other person, server or key", async () => {
    await using server = await startAccountServer();
    using folder = tempDirectory();
    const { people, signIn, cal } = setUp(server, folder.path);
    await signIn("ada");
    const path = (name: Name) =>
      join(folder.path, "mcp", "own.logins", idOf(name), "default", "cal.login.json");
    const written = readFileSync(path("ada"), "utf8");
    assert.equal(statSync(path("ada")).mode & 0o777, 0o600);
    for (const secret of server.secrets) assert.ok(!written.includes(secret));
    await signIn("grace");
    writeFileSync(path("grace"), written); // another person's file
    assert.equal(people.loginAt(idOf("grace"), cal), undefined);
    const sealed = createSealing("one token", "1").seal("words", "cal");
    assert.equal(createSealing("one token", "1").open(sealed, "cal"), "words");
    const others = [["one token", "2", "cal"], ["one token", "1", "mail"], ["two", "1", "cal"]];
    for (const [secret = "", person = "", id = ""] of others) {
      assert.throws(() => createSealing(secret, person).open(sealed, id));
    }
  });
});

describe("[T13a] createSignInPage()", () => {
  const host = { host: "bot.example" };
  const rows: readonly [
    what: string,
    path: string,
    init: RequestInit,
    status: number | undefined,
  ][] = [
    ["a browser that comes back", "/callback?code=1&state=2", { headers: host }, 200],
    ["another address", "/livez", { headers: host }, undefined],
    ["another name", "/callback", { headers: { host: "evil.example" } }, 403],
    ["a page of another site", "/callback", {
      headers: { ...host, origin: "https://evil.example" },
    }, 403],
    ["a frame", "/callback", { headers: { ...host, "sec-fetch-dest": "iframe" } }, 403],
    ["another method", "/callback", { headers: host, method: "POST" }, 405],
  ];
  for (const [what, path, init, status] of rows) {
    it(`gives ${what} ${status ?? "no answer"}`, async () => {
      const request = new Request(`http://bot.example${path}`, init);
      const config = {
        mcp: { servers: { cal: { login: "each" } } },
        http: { publicUrl: "https://bot.example" },
      };
      const { answer } = createSignInPage({ setup: { config } as never });
      const response = await answer?.(request);
      assert.equal(response?.status, status);
      const text = await response?.text() ?? "";
      assert.ok(!text.includes("code=1"), "it repeats nothing");
      if (status === 200) assert.match(text, /give the address to no one/);
    });
  }
});
