import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";
import { UnknownOutcomeError } from "../../../src/core/turn/tool.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { createLogins, type Logins } from "../../../src/mcp/oauth/provider.ts";
import { createSignIn } from "../../../src/mcp/sign_in.ts";
import { createMcpServers, type McpServers } from "../../../src/mcp/servers.ts";
import { listed } from "../../support/model/mcp_listed.ts";
import { type OAuthServer, startOAuthServer } from "../../support/model/mcp_oauth.ts";
import { toolContext } from "../../support/model/tools.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

interface Scene {
  readonly server: OAuthServer;
  readonly logins: Logins;
  readonly folder: string;
  /** Names of servers that the owners were told about. */
  readonly owners: { isAway: boolean };
  readonly told: string[];
  readonly lines: () => string;
  /** Starts the bot's servers, as after a restart. */
  start(url?: string, headers?: Record<string, string>): McpServers;
  signIn(): Promise<void>;
  call(servers: McpServers, name?: string): Promise<string>;
}

async function play(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using server = await startOAuthServer();
  using temp = tempDirectory();
  const folder = join(temp.path, "mcp");
  const logins = createLogins(folder);
  const { log, lines } = recordingLog();
  const told: string[] = [];
  const owners = { isAway: false };
  const started: McpServers[] = [];
  try {
    await run({
      server,
      logins,
      folder,
      told,
      owners,
      lines: () =>
        JSON.stringify(lines, (_key, value) => value instanceof Error ? value.message : value),
      start(url = server.url, headers = {}) {
        const servers = createMcpServers(
          [{ id: "far", transport: { kind: "http", url, headers } }],
          {
            version: "1",
            now: Date.now,
            schedule,
            log,
            confine: () => Promise.reject(new Error("no programs here")),
            seen: { look: () => undefined },
            logins,
            onSignIn: (id) => {
              if (owners.isAway) return false;
              told.push(id);
              return true;
            },
          },
        );
        started.push(servers);
        return servers;
      },
      async signIn() {
        const target = { url: server.url, headers: {} };
        const back = "http://127.0.0.1:8765/callback";
        const { wantedScope } = logins.read("far", server.url) ?? {};
        const signIn = await createSignIn(target, back, Date.now, wantedScope);
        logins.write("far", await signIn.finish(server.allow(signIn.address).searchParams));
      },
      async call(servers, name = "add") {
        const tool = servers.tools().find((one) => one.name === `mcp__far__${name}`);
        assert.ok(tool, "the server has no tools");
        return await tool.run({}, toolContext());
      },
    });
  } finally {
    for (const servers of started) await servers.close();
  }
}

describe("[T13] a login to an MCP server", () => {
  it("is a file that only its owner may read, and is used for calls", () =>
    play(async ({ folder, signIn, start, call }) => {
      await signIn();
      if (process.platform !== "win32") {
        assert.equal(statSync(join(folder, "far.login.json")).mode & 0o777, 0o600);
      }
      const servers = start();
      await listed(servers);
      assert.match(await call(servers), /^done as Bearer/);
    }));

  it("is renewed once by a call that the server refuses, and kept", () =>
    play(async ({ server, logins, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      server.expire();
      assert.match(await call(servers), /^done as/);
      assert.deepEqual(server.calls, ["add"]);
      assert.equal(server.tokenRequests.at(-1)?.get("grant_type"), "refresh_token");
      assert.equal(server.tokenRequests.at(-1)?.get("resource"), server.url);
      assert.equal(logins.read("far", server.url)?.tokens?.refresh_token, "refresh-token-2");
      const again = start();
      await listed(again);
      assert.match(await call(again), /^done as/);
      assert.equal(server.tokenRequests.length, 2);
    }));

  it("that has ended is told to the model, and once to the owners", () =>
    play(async ({ server, logins, told, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      server.expire();
      server.habits.hasExpired = true;
      const why = /takes the login no more; .*run `barnacle mcp login far`/;
      await assert.rejects(call(servers), why);
      await assert.rejects(call(servers), why);
      assert.deepEqual(told, ["far"]);
      assert.deepEqual(server.calls, []);
      assert.equal(logins.read("far", server.url)?.tokens, undefined);
      const again = start();
      await listed(again);
      assert.deepEqual(again.tools().map(({ name }) => name), ["mcp__far__connecting"]);
      assert.deepEqual(told, ["far"]);
    }));

  it("that is missing is told to the owners once an account runs, without a turn", () =>
    play(async ({ told, owners, start }) => {
      owners.isAway = true;
      const servers = start();
      await listed(servers);
      assert.deepEqual(servers.states().map(({ state }) => state), ["failing"]);
      assert.deepEqual(told, []);
      owners.isAway = false;
      while (told.length === 0) await sleep(20);
      assert.deepEqual(told, ["far"]);
      await start().list(() => true);
      assert.deepEqual(told, ["far"], "also over a restart");
    }));

  it("works at once after a new sign-in", () =>
    play(async ({ server, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      server.expire();
      server.habits.hasExpired = true;
      await assert.rejects(call(servers), /barnacle mcp login far/);
      server.habits.hasExpired = false;
      await signIn();
      assert.match(await call(servers), /^done as/);
    }));

  it("is missing: the owners learn it once, and a sign-in ends the wait", () =>
    play(async ({ told, lines, signIn, start, call }) => {
      const servers = start();
      await listed(servers);
      await start().list(() => true);
      assert.deepEqual(told, ["far"]);
      assert.match(lines(), /HTTP 401\): it wants a sign-in.*`barnacle mcp login far`/);
      assert.match(
        lines(),
        /or put a token of the server into mcp\.servers\.far\.headers\.authoriz/,
      );
      await signIn();
      await listed(servers);
      assert.match(await call(servers), /^done as/);
    }));

  it("stays if the authorization server is broken", () =>
    play(async ({ server, told, logins, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      server.expire();
      server.habits.isBroken = true;
      await assert.rejects(call(servers), /could not be renewed now; it is tried again/);
      assert.deepEqual(told, []);
      assert.ok(logins.read("far", server.url)?.tokens);
      server.habits.isBroken = false;
      assert.match(await call(servers), /^done as/);
    }));

  it("[SEC-R9] is in no result, failure or line of the log", () =>
    play(async ({ server, lines, folder, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      assert.equal(await call(servers), "done as Bearer [redacted]");
      assert.equal(servers.tools()[0]?.description, "add for Bearer [redacted]");
      server.expire();
      server.habits.hasExpired = true;
      await assert.rejects(call(servers), (error: Error) => !/-token-/.test(error.message));
      assert.doesNotMatch(lines(), /-token-/);
      assert.match(readFileSync(join(folder, "far.login.json"), "utf8"), /client-0/);
    }));

  it("goes to no other address, and not beside a token of the config", () =>
    play(async ({ server, signIn, start }) => {
      await using other = await startOAuthServer();
      await signIn();
      await start(other.url).list(() => true);
      assert.deepEqual(new Set(other.seen), new Set([undefined]));
      const before = server.seen.length;
      await start(server.url, { Authorization: "Bearer own" }).list(() => true);
      assert.deepEqual(new Set(server.seen.slice(before)), new Set(["Bearer own"]));
    }));

  it("asks for the scope that one tool lacks, and the other tools go on", () =>
    play(async ({ server, logins, told, signIn, start, call }) => {
      await signIn();
      server.habits.callScope = "write";
      const servers = start();
      await listed(servers);
      await assert.rejects(call(servers), /needs the scopes "write"; .*barnacle mcp login far/);
      await assert.rejects(call(servers), /needs the scopes "write"/);
      assert.deepEqual(server.calls, []);
      assert.match(await call(servers, "look"), /^done as/);
      assert.equal(servers.states()[0]?.state, "ready");
      assert.deepEqual(told, ["far"]);
      assert.equal(logins.read("far", server.url)?.wantedScope, "tools write");
      await signIn();
      assert.match(await call(servers), /^done as/);
      assert.equal(logins.read("far", server.url)?.wantedScope, "tools write");
    }));

  it("[T1] that the config has as a token gets words, and no unknown outcome, for a scope", () =>
    play(async ({ server, start, call }) => {
      Object.assign(server.habits, { isOpen: true, callScope: "write" });
      const servers = start(server.url, { Authorization: "Bearer own" });
      await listed(servers);
      await assert.rejects(
        call(servers),
        (error: Error) =>
          !(error instanceof UnknownOutcomeError) &&
          /needs the scopes "write"; put a valid token into mcp/.test(error.message),
      );
      assert.match(await call(servers, "look"), /^done as/);
    }));

  it("is not replaced by tokens of an older one", () =>
    play(async ({ server, logins, signIn, start, call }) => {
      await signIn();
      const servers = start();
      await listed(servers);
      const before = logins.read("far", server.url);
      await signIn();
      assert.notEqual(logins.read("far", server.url)?.client?.client_id, before?.client?.client_id);
      assert.match(await call(servers), /^done as/);
    }));
});

describe("[T1] a call of an MCP server", () => {
  const lost = ["before the answer", "in the stream", "in the answer", "without end"] as const;
  for (const breaks of lost) {
    it(`has no known outcome if it breaks off ${breaks}, and runs once`, () =>
      play(async ({ server, start, call }) => {
        server.habits.isOpen = true;
        const servers = start();
        await listed(servers);
        server.habits.breaks = breaks;
        await assert.rejects(
          call(servers),
          (error) => error instanceof UnknownOutcomeError && /far was lost: /.test(error.message),
        );
        assert.deepEqual(server.calls, ["add"]);
        delete server.habits.breaks;
        assert.match(await call(servers), /^done as/);
      }));
  }

  it("connects anew if the server has forgotten the session, and runs once", () =>
    play(async ({ server, start, call }) => {
      server.habits.isOpen = true;
      const servers = start();
      await listed(servers);
      server.habits.forgetsSession = true;
      assert.match(await call(servers), /^done as/);
      assert.deepEqual(server.calls, ["add"]);
    }));

  it("has failed if the server cannot be reached", () =>
    play(async ({ server, start, call }) => {
      server.habits.isOpen = true;
      const servers = start();
      await listed(servers);
      await server[Symbol.asyncDispose]();
      // This call may still use the old connection: then its outcome is unknown.
      await assert.rejects(call(servers));
      await assert.rejects(call(servers), (error) => !(error instanceof UnknownOutcomeError));
    }));
});
