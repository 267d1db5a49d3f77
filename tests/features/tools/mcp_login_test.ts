/** Tests logins to MCP servers as owners see them: in Discord, and in the terminal (T13). */

import assert from "node:assert/strict";
import process from "node:process";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { login } from "../../../src/extras/agent/mcp.ts";
import { recordingIo } from "../../cli/io.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { type OAuthServer, startOAuthServer } from "../../support/model/mcp_oauth.ts";

/** Signs in as an operator whose browser is on another machine. */
async function signIn({ configFile, dataDir }: Scene, server: OAuthServer): Promise<string> {
  const io = recordingIo(process.env);
  const stdin = new Readable({ read() {} });
  const out = io.out;
  const flags = { config: configFile, data: dataDir, json: false, paste: true };
  const code = await login(flags, "far", {
    ...io,
    out(line) {
      out(line);
      stdin.push("https://example.org/?state=wrong&code=1\n");
      stdin.push(`${server.allow(line).href}\n`);
    },
  }, stdin);
  assert.equal(code, 0, io.stderr.join("\n"));
  return io.stderr.join("\n");
}

describe("[T13] the bot", () => {
  it("asks its owner for a sign-in, uses it, and tells the model when it ends", async () => {
    await using server = await startOAuthServer();
    const config = {
      mcp: { servers: { far: { url: server.url } } },
      tools: { allow: ["mcp__far"] },
    };
    await withSimulation({ config }, async (scene) => {
      const { start, say, mention, replies, written, until, cli } = scene;
      await start();
      const ask = `${mention}\ncall: mcp__far__look {}`;
      say("grace", "general", ask);
      await replies("general", 1);
      const told = () => written("dm", "ada").filter((text) => text.includes("mcp login far"));
      await until("a message to the owner", () => told().length > 0);

      assert.match(
        await signIn(scene, server),
        /not the address of this sign-in[^]*far: logged in/,
      );
      say("grace", "general", ask);
      assert.match((await replies("general", 2))[1] ?? "", /done as Bearer \[redacted\]/);
      const listed = await cli("mcp", "list");
      assert.match(
        listed.stdout.join("\n"),
        /far .*logged in, renewed by itself +2 tools [0-9a-f]{12}/,
      );
      assert.equal(told().length, 1);

      server.expire();
      server.habits.hasExpired = true;
      say("grace", "general", ask);
      assert.match((await replies("general", 3))[2] ?? "", /barnacle mcp login far/);
      await until("the second message to the owner", () => told().length === 2);
      assert.match(
        (await cli("mcp", "list")).stdout.join("\n"),
        /login ended: barnacle mcp login far/,
      );
      assert.equal((await cli("mcp", "logout", "far")).code, 0);
      assert.equal((await cli("mcp", "logout", "far")).code, 1);
      assert.deepEqual(server.calls, ["look"]);
    });
  });

  it("signs an owner in from Discord, and shows the address to no other person", async () => {
    await using server = await startOAuthServer();
    const config = {
      commands: { ownerAllowFrom: ["1456074443980800000"] }, // ada
      mcp: { servers: { far: { url: server.url } } },
      tools: { allow: ["mcp__far"] },
    };
    await withSimulation({ config }, async (scene) => {
      const { start, say, mention, replies, written, until } = scene;
      await start();
      await registered(scene);
      const menu = (as: string, subcommand: string, options = {}) =>
        give(scene, { as, in: "#general", name: "mcp", subcommand, options });
      const addressIn = (text: string) => /<(http:[^>]*)>/.exec(text)?.[1] ?? "";
      assert.match(
        await menu("grace", "login", { server: "far" }),
        /^You are not authorized to do that\.$/,
      );
      assert.match(await menu("ada", "list"), /– `far`: no login$/);
      assert.match(
        await menu("ada", "login", { server: "near" }),
        /no MCP server "near"; it has: far/,
      );

      // The browser is on another machine.
      const far = { server: "far" };
      const first = server.allow(addressIn(await menu("ada", "login", far))).href;
      const wrong = await menu("ada", "login", { ...far, answer: "http://127.0.0.1/?state=x" });
      assert.match(wrong, /belongs to no sign-in to `far`/);
      assert.match(await menu("ada", "login", { ...far, answer: first }), /logged in to `far`/);
      assert.match(await menu("ada", "login", { ...far, answer: first }), /belongs to no sign-in/);
      say("grace", "general", `${mention}\ncall: mcp__far__look {}`);
      assert.match((await replies("general", 1))[0] ?? "", /done as Bearer \[redacted\]/);
      assert.match(await menu("ada", "list"), /– `far`: logged in$/);
      assert.match(await menu("ada", "logout", far), /have deleted the login to `far`/);
      assert.match(await menu("ada", "logout", far), /no login to `far`/);

      // The browser comes back to the bot's machine. The command is a direct message.
      say("ada", "dm", "/mcp login far");
      const asked = () => written("dm", "ada").find((text) => text.includes("open this address"));
      await until("the address", () => asked() !== undefined);
      const back = await fetch(server.allow(addressIn(asked() ?? "")));
      assert.equal(back.status, 200);
      await back.body?.cancel();
      await until(
        "the direct message",
        () => written("dm", "ada").some((text) => text.includes("logged in to `far`")),
      );
      assert.match(await menu("ada", "list"), /– `far`: logged in$/);
      assert.ok(!written("general", "ada").some((text) => /state=|\/mcp/.test(text)));
    });
  });
});
