import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { CommandCall } from "../../../src/core/inbound/inbound.ts";
import { peoplesLogins, readyFor, runSignIns } from "../../../src/features/signins/own_servers.ts";
import { createSignInPage } from "../../../src/features/signins/account_part.ts";
import { createSealing } from "../../../src/mcp/oauth/provider.ts";
import { createSignIn } from "../../../src/mcp/sign_in.ts";
import type { Given } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { GUILD_SNAPSHOT } from "../../cli/data_fixture.ts";
import { cases } from "../../support/long_form.ts";
import { type AccountServer, startAccountServer } from "../../support/model/own_accounts.ts";
import { toolContext } from "../../support/model/tools.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { calAt, signInsAccount } from "./scene.ts";

const BACK = "http://127.0.0.1:8765/callback";
const DAY = 86_400_000;
const NAMES = ["ada", "grace", "mary"] as const;
type Name = typeof NAMES[number];
const idOf = (name: Name): UserId => userId(`${NAMES.indexOf(name) + 1}`);

async function setUp(server: AccountServer, dataDir: string, given: Given = {}) {
  const scene = await signInsAccount(dataDir, server.url, given);
  const { account, keep, ownOf, toolOf } = scene;
  async function signIn(name: Name): Promise<void> {
    scene.clock.advance(1); // a sign-in is known by its time
    const begun = await createSignIn(calAt(server.url).transport, BACK, account.now);
    keep(idOf(name), await begun.finish(server.allow(begun.address, name).searchParams));
  }
  async function call(name: Name): Promise<string | undefined> {
    const message = ownOf(idOf(name));
    await readyFor(account, message);
    const context = toolContext({ message, callKey: `${name}:1`, sessionKey: "" });
    return await toolOf(message, "agenda")?.run({}, context)
      .catch((error: unknown) => `failed: ${String(error)}`);
  }
  const run = (name: Name, options: object = {}) =>
    runSignIns(account, { sender: ownOf(idOf(name)).sender, options } as unknown as CommandCall);
  return { ...scene, signIn, call, run };
}

describe("[T13a] people's own accounts", () => {
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
        const { account, signIn, call, run } = await setUp(server, folder.path);
        const valid = new Set<Name>(["ada", "grace"]);
        for (const name of valid) await signIn(name);
        const check = (name: Name, result: string | undefined) => {
          if (valid.has(name)) assert.match(result ?? "", new RegExp(`^agenda of ${name},`));
          else assert.doesNotMatch(result ?? "", /agenda of/);
          assert.doesNotMatch(result ?? "", /(?:access|refresh)-[0-9a-f]/);
        };
        try {
          for (const { do: what, who, other } of steps) {
            if (what === "sign in") valid.add((await signIn(who), who));
            else if (what === "end") valid.delete((run(who, { end: "cal" }), who));
            else if (what === "revoke") valid.delete((server.revoke(who), who));
            else {
              const both = what === "both" && other !== who ? [who, other] : [who];
              const results = await Promise.all(both.map(call));
              both.forEach((name, at) => check(name, results[at]));
            }
          }
          assert.ok(server.calls.every(({ who }) => NAMES.includes(who as Name)));
        } finally {
          await peoplesLogins.stop(account);
        }
      }),
      { numRuns: cases(12, 200) },
    );
  });

  it("ends a login that is unused for 90 days, or of a person who left", async () => {
    await using server = await startAccountServer();
    using folder = tempDirectory();
    const scene = await setUp(server, folder.path, {
      guilds: [GUILD_SNAPSHOT],
      answer: ({ path }) =>
        path.startsWith("/guilds/") && !path.endsWith(`/${idOf("ada")}`)
          ? { user: { id: "1", username: "x" }, roles: [] }
          : undefined,
    });
    const { account, clock, signIn, call, quiet, fileOf } = scene;
    for (const name of NAMES) await signIn(name);
    const left = () => NAMES.filter((name) => existsSync(fileOf(idOf(name))));
    peoplesLogins.start(account);
    await quiet();
    assert.deepEqual(left(), ["grace", "mary"]);
    clock.advance(60 * DAY);
    await call("grace"); // a use
    clock.advance(31 * DAY);
    await quiet();
    assert.deepEqual(left(), ["grace"]);
    await peoplesLogins.stop(account);
  });
});

describe("[T13a] createSealing()", () => {
  it("writes no token as it is, for no other person, server or key", async () => {
    await using server = await startAccountServer();
    using folder = tempDirectory();
    const { signIn, call, run, fileOf } = await setUp(server, folder.path);
    await signIn("ada");
    const path = (name: Name) => fileOf(idOf(name));
    const written = readFileSync(path("ada"), "utf8");
    assert.equal(statSync(path("ada")).mode & 0o777, 0o600);
    for (const secret of server.secrets) assert.ok(!written.includes(secret));
    await signIn("grace");
    writeFileSync(path("grace"), written); // another person's file
    assert.match(run("grace"), /`cal`: no login/);
    assert.equal(await call("grace"), undefined);
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
  const rows: readonly [what: string, path: string, init: RequestInit, status?: number][] = [
    ["a browser that comes back", "/callback?code=1&state=2", { headers: host }, 200],
    ["another address", "/livez", { headers: host }],
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
