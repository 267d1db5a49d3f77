/** Tests logins to MCP servers as owners see them: in Discord, and in the terminal (T13). */

import assert from "node:assert/strict";
import process from "node:process";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { login } from "../../../src/cli/mcp/login.ts";
import { recordingIo } from "../../cli/io.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
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
      const ask = `${mention}\ncall: mcp__far__add {}`;
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
      assert.deepEqual(server.calls, ["add"]);
    });
  });
});
