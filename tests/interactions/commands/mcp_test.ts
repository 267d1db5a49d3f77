import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { McpLoginState } from "../../../src/core/mcp_state.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";

const servers = {
  far: { url: "https://far.example/mcp" },
  each: { url: "https://each.example/mcp", login: "each" },
};
const NOW = Date.UTC(2026, 0, 1);
const OTHER = { ...GRACE, id: "900000000000000002" };
const OWNERS = { ownerAllowFrom: [`discord:${GRACE.id}`, `discord:${OTHER.id}`] };

/** An owner whose browser may come back, to the servers of the config. */
async function build(
  states: readonly McpLoginState[] = [],
  given: { readonly address?: string; readonly problem?: string } = {},
) {
  const bot = await commandAccount({ beside: { mcp: { servers }, commands: OWNERS } });
  const finished: string[] = [];
  let redirect = "";
  let last: unknown;
  const logins = {
    states: () => states,
    find: (id: string) => ({
      kind: "found",
      begin(url: string) {
        redirect = url;
        if (given.problem !== undefined) return Promise.reject(new Error(given.problem));
        return Promise.resolve({
          address: given.address ?? "https://far.example/sign-in",
          isOurs: (answer: URLSearchParams) => answer.get("state") === id,
          finish(answer: URLSearchParams) {
            if (answer.get("code") === "bad") return Promise.reject(new Error("it took no code"));
            return Promise.resolve(finished.push(id));
          },
        });
      },
    }),
    remove: (id: string) => id === "far",
  };
  Object.assign(bot.account.bot, {
    toolServices: { ...bot.account.bot.toolServices, logins: () => Promise.resolve(logins) },
  });
  /** A port of this machine is opened meanwhile. */
  const use = async (subcommand: string, values = {}, as = GRACE) => {
    let text = await bot.slash("mcp", values, { subcommand, as });
    while (text === "") {
      await bot.quiet();
      const { path, body } = bot.requests.at(-1) ?? {};
      if (path?.startsWith("/webhooks/") && body !== last) text = String(body?.["content"]);
    }
    last = bot.requests.at(-1)?.body;
    return text;
  };
  return { ...bot, use, finished, redirect: () => redirect };
}

describe("[K2] [T13] /mcp", () => {
  it("is for owners, and only if the config has servers; so is /signins for all", async () => {
    const { use, slash } = await build();
    assert.equal(await use("list", {}, ADA), "You are not authorized to do that.");
    assert.match(await slash("help"), /`\/mcp`[^]*`\/signins`|`\/signins`[^]*`\/mcp`/);
    assert.doesNotMatch(await (await commandAccount()).slash("help"), /\/mcp|\/signins/);
  });

  it("lists servers with their logins", async () => {
    const { use } = await build([
      { id: "a", login: "program" },
      { id: "b", login: "token" },
      { id: "c", login: "none" },
      { id: "d", login: "ended" },
      { id: "e", login: "valid" },
      { id: "f", login: "valid", until: NOW - 1, isRenewed: true },
      { id: "g", login: "valid", until: NOW - 1, isRenewed: false },
      { id: "h", login: "valid", until: NOW + 1_000, isRenewed: false },
    ]);
    assert.deepEqual((await use("list")).split("\n"), [
      "My MCP servers:",
      "– `a`: a program",
      "– `b`: token of the config",
      "– `c`: no login",
      "– `d`: the login has ended",
      "– `e`: logged in",
      "– `f`: logged in",
      "– `g`: the login has ended",
      "– `h`: logged in until 2026-01-01 00:00:01 UTC",
    ]);
  });

  it("keeps each answer within a message, with any words of the server", async () => {
    const many = Array.from({ length: 100 }, (_, at): McpLoginState => ({
      ...{ id: `${at}`.padEnd(100, "x"), login: "valid", until: NOW + 1 },
    }));
    const begin = async (given: object, server = "s".repeat(500)) =>
      await (await build([], given)).use("login", { server });
    const answers = [
      await (await build(many)).use("list"),
      await begin({ address: `https://a.example/${"x".repeat(1_380)}` }),
      await begin({ address: `https://a.example/${"x".repeat(5_000)}` }, "s"),
      await begin({ problem: "p".repeat(5_000) }),
    ];
    assert.deepEqual(answers.filter(({ length }) => length < 1 || length > 2_000), []);
    assert.match(answers[0] ?? "", /… \+88$/);
    assert.match(answers[2] ?? "", /too long for Discord; run `barnacle mcp login s/);
  });

  it("signs in by the browser's last address, once, for the owner who began", async () => {
    const { use, finished } = await build();
    const answer = "http://127.0.0.1/callback?state=far&code=1";
    assert.match(await use("login", { server: "far" }), /<https:\/\/far\.example\/sign-in>/);
    assert.match(await use("login", { server: "far", answer }, OTHER), /belongs to no sign-in/);
    assert.match(await use("login", { server: "far", answer: "x" }), /belongs to no sign-in/);
    assert.equal(await use("login", { server: "far", answer }), "I'm logged in to `far`.");
    assert.match(await use("login", { server: "far", answer }), /belongs to no sign-in/);
    assert.deepEqual(finished, ["far"]);
    await use("login", { server: "far" });
    const bad = answer.replace("code=1", "code=bad");
    assert.equal(
      await use("login", { server: "far", answer: bad }),
      "I can't sign in to `far`: it took no code.",
    );
  });

  it("signs in by a browser on this machine, and tells the owner", async () => {
    const { use, redirect, finished, quiet, posted } = await build();
    await use("login", { server: "far" });
    await fetch(`${redirect()}?state=far&code=1`).then((response) => response.text());
    while (!posted().some((text) => text.startsWith("I'm logged in"))) await quiet();
    assert.deepEqual(finished, ["far"]);
  });

  it("waits ten minutes for a browser", async () => {
    const { use, pass } = await build();
    await use("login", { server: "far" });
    await pass(600_000);
    const answer = "http://127.0.0.1/callback?state=far&code=1";
    assert.match(await use("login", { server: "far", answer }), /belongs to no sign-in/);
  });

  it("deletes a login, and suggests servers", async () => {
    const { use, suggestions } = await build();
    assert.match(await use("logout", { server: "far" }), /have deleted the login/);
    assert.match(await use("logout", { server: "near" }), /no login/);
    const found = await suggestions("mcp", { server: "" }, { subcommand: "logout" });
    assert.deepEqual(found, [{ name: "far", value: "far" }]);
  });
});

describe("[V1] [V3] /join, /leave and /deafen", () => {
  it("are there with `voice`, and need the call's part", async () => {
    const { slash } = await commandAccount();
    for (
      const [name, values] of [["join", {}], ["leave", {}], ["deafen", { who: "me" }]] as const
    ) {
      assert.match(await slash(name, values), /my config has no `voice`/);
      assert.doesNotMatch(await slash("help"), new RegExp(`/${name}`));
    }
    const talking = await commandAccount({ beside: { voice: {} } });
    assert.match(await talking.slash("help"), /\/join/);
    assert.match((await talking.press("hear:off")).join(), /is old/, "no part hears it");
  });
});
