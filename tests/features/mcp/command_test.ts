import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { McpLoginState } from "../../../src/core/mcp_state.ts";
import { loginText } from "../../../src/features/mcp/cli.ts";
import { stateText } from "../../../src/mcp/sign_in.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";
import { startOAuthServer } from "../../support/model/mcp_oauth.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);
const OTHER = { ...GRACE, id: "900000000000000002" };
const OWNERS = { ownerAllowFrom: [`discord:${GRACE.id}`, `discord:${OTHER.id}`] };

/** An owner, and a server that wants a sign-in. */
async function withServer(
  play: (scene: Awaited<ReturnType<typeof build>>) => Promise<void>,
): Promise<void> {
  await using server = await startOAuthServer();
  using folder = tempDirectory();
  await play(await build(server, folder.path));
}

async function build(server: Awaited<ReturnType<typeof startOAuthServer>>, dataDir: string) {
  const servers = {
    far: { url: server.url },
    each: { url: "https://each.example/mcp", login: "each" },
  };
  const bot = await commandAccount({ beside: { mcp: { servers }, commands: OWNERS } });
  Object.assign(bot.account.bot, { dataDir });
  let last: unknown;
  /** A server is asked meanwhile. */
  const use = async (subcommand: string, values = {}, as = GRACE) => {
    let text = await bot.slash("mcp", values, { subcommand, as });
    while (text === "") {
      await new Promise((resolve) => setImmediate(resolve));
      await bot.quiet();
      const { path, body } = bot.requests.at(-1) ?? {};
      if (path?.startsWith("/webhooks/") && body !== last) text = String(body?.["content"]);
    }
    last = bot.requests.at(-1)?.body;
    return text;
  };
  /** Begins a sign-in, and allows it in a browser. @returns The address to which that comes back. */
  const allowed = async () => {
    const [, address = ""] = /<(.*?)>/.exec(await use("login", { server: "far" })) ?? [];
    return String(server.allow(address));
  };
  return { ...bot, server, use, allowed };
}

describe("[K2] [T13] /mcp", () => {
  it("is for owners, and only if the config has servers; so is /signins for all", () =>
    withServer(async ({ use, slash }) => {
      assert.equal(await use("list", {}, ADA), "You are not authorized to do that.");
      assert.match(await slash("help"), /`\/mcp`[^]*`\/signins`|`\/signins`[^]*`\/mcp`/);
      assert.doesNotMatch(await (await commandAccount()).slash("help"), /\/mcp|\/signins/);
    }));

  const states: readonly (readonly [Omit<McpLoginState, "id">, string])[] = [
    [{ login: "program" }, "a program"],
    [{ login: "token" }, "token of the config"],
    [{ login: "none" }, "no login"],
    [{ login: "ended" }, "the login has ended"],
    [{ login: "valid" }, "logged in"],
    [{ login: "valid", until: NOW - 1, isRenewed: true }, "logged in"],
    [{ login: "valid", until: NOW - 1, isRenewed: false }, "the login has ended"],
    [
      { login: "valid", until: NOW + 1_000, isRenewed: false },
      "logged in until 2026-01-01 00:00:01 UTC",
    ],
  ];
  for (const [state, expected] of states) {
    it(`says of ${JSON.stringify(state)}: ${expected}`, () => {
      assert.equal(stateText({ id: "a", ...state }, NOW), expected);
      const next = expected.endsWith("ended") ? `${expected}: barnacle mcp login a` : expected;
      assert.equal(loginText({ id: "a", ...state }, NOW), next);
    });
  }

  it("keeps each answer within a message", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`${at}`.padEnd(24, "x"), { command: "x" }]),
    );
    const bot = await commandAccount({ beside: { mcp: { servers: many }, commands: OWNERS } });
    const listed = await bot.slash("mcp", {}, { subcommand: "list" });
    assert.match(listed, /^My MCP servers:\n– `0x+`: a program\n[^]*\n… \+88$/);
    assert.ok(listed.length <= 2_000);
    const none = await bot.slash("mcp", { server: "s".repeat(500) }, { subcommand: "login" });
    assert.ok(none.length <= 2_000);
    await withServer(async ({ server, use }) => {
      const at = (chars: number) => `${server.origin}/authorize?x=${"x".repeat(chars)}`;
      server.habits.metadata = { authorization_endpoint: at(900) };
      const fits = await use("login", { server: "far" });
      assert.match(fits, /open this address within ten minutes/);
      server.habits.metadata = { authorization_endpoint: at(5_000) };
      const long = await use("login", { server: "far" });
      assert.match(long, /too long for Discord; run `barnacle mcp login far/);
      assert.ok(fits.length <= 2_000 && long.length <= 2_000);
    });
  });

  it("signs in by the browser's last address, once, for the owner who began", () =>
    withServer(async ({ server, use, allowed }) => {
      assert.match(await use("list"), /– `far`: no login$/);
      const answer = await allowed();
      const unknown = /belongs to no sign-in/;
      assert.match(await use("login", { server: "far", answer }, OTHER), unknown);
      assert.match(await use("login", { server: "far", answer: "x" }), unknown);
      assert.equal(await use("login", { server: "far", answer }), "I'm logged in to `far`.");
      assert.match(await use("login", { server: "far", answer }), unknown);
      assert.equal(server.tokenRequests.length, 1);
      assert.match(await use("list"), /– `far`: logged in/);
      server.habits.isBroken = true;
      assert.match(
        await use("login", { server: "far", answer: await allowed() }),
        /^I can't sign in to `far`: /,
      );
    }));

  it("signs in by a browser on this machine, and tells the owner", () =>
    withServer(async ({ server, allowed, quiet, posted }) => {
      await fetch(await allowed()).then((response) => response.text());
      while (!posted().some((text) => text.startsWith("I'm logged in"))) await quiet();
      assert.equal(server.tokenRequests.length, 1);
    }));

  it("waits ten minutes for a browser", () =>
    withServer(async ({ use, allowed, pass }) => {
      const answer = await allowed();
      await pass(600_000);
      assert.match(await use("login", { server: "far", answer }), /belongs to no sign-in/);
    }));

  it("deletes a login, and suggests servers", () =>
    withServer(async ({ use, allowed, suggestions }) => {
      await use("login", { server: "far", answer: await allowed() });
      assert.match(await use("logout", { server: "far" }), /have deleted the login/);
      assert.match(await use("logout", { server: "far" }), /no login/);
      const found = await suggestions("mcp", { server: "" }, { subcommand: "logout" });
      assert.deepEqual(found, [{ name: "far", value: "far" }]);
    }));
});
