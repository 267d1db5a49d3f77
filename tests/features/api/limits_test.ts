/** Tests the bounds of programs, and `barnacle mcp serve` without its conditions (O14). */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import OpenAI from "openai";
import { buttonsIn, usableIn } from "../../../simulator/world/components.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { apiConfig, apiUrl, PROGRAM_TOKEN } from "../../support/bot/api.ts";
import { commandUnderTest, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const hello = { model: "main", messages: [{ role: "user" as const, content: "hello reef" }] };

async function clientOf({ line }: Pick<Scene, "line">, bot: SimulatedProcess): Promise<OpenAI> {
  const baseURL = apiUrl(await line(bot, /"Programs can reach the bot"/));
  return new OpenAI({ apiKey: PROGRAM_TOKEN, baseURL, maxRetries: 0 });
}

/** Runs a scene with a program of ada. */
function withProgram(
  program: object,
  more: object,
  test: (scene: Scene & { readonly client: OpenAI }) => Promise<void>,
): Promise<void> {
  return withSimulation({}, async (scene) => {
    scene.rewrite({ config: { ...more, ...apiConfig(scene.user("ada").id, program) } });
    await test({ ...scene, client: await clientOf(scene, await scene.start()) });
  });
}

const refused = (status: number, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OpenAI.APIError, String(error));
  assert.equal(error.status, status);
  assert.match(error.message, words);
  return true;
};

describe("[O14] a program that asks too much", () => {
  it("gets 429 beyond its requests a minute", () =>
    withProgram({ perMinute: 2 }, {}, async ({ client, model }) => {
      await client.chat.completions.create(hello);
      await client.chat.completions.create(hello);
      await assert.rejects(
        client.chat.completions.create(hello),
        refused(429, /house may make 2 requests a minute; try again in \d+ s/),
      );
      assert.equal(model.requests.length, 2);
    }));

  it("gets 429 while it waits for as many answers as it may, unless it repeats a request", () =>
    withProgram({ atOnce: 1 }, {}, async ({ client, model, eventually }) => {
      model.behave("hang");
      const leaving = new AbortController();
      const first = client.chat.completions.create(hello, { signal: leaving.signal });
      first.catch(() => {});
      await eventually("the first question", () => Promise.resolve(model.requests.length === 1));
      await assert.rejects(
        client.chat.completions.create(hello),
        refused(429, /house waits for an answer already/),
      );
      leaving.abort();
      model.behave("script");
      await eventually("a free place", async () => {
        const answer = await client.chat.completions.create(hello).catch(() => undefined);
        return answer !== undefined;
      });
      const before = model.requests.length;
      const options = { headers: { "Idempotency-Key": "impatient" } };
      const all = await Promise.all( // each waits for the same answer, in the same place
        Array.from({ length: 6 }, () => client.chat.completions.create(hello, options)),
      );
      assert.equal(new Set(all.map(({ id }) => id)).size, 1);
      assert.equal(model.requests.length - before, 1);
      await client.chat.completions.create(hello); // the place is free again
    }));

  it("gets 429 once the budget of its person is spent", () =>
    withProgram({}, { budgets: { perUser: { tokensPerDay: 1 } } }, async ({ client }) => {
      await client.chat.completions.create(hello);
      await assert.rejects(
        client.chat.completions.create(hello),
        refused(429, /a budget of the bot is spent/),
      );
    }));
});

describe("[O14] a program with the id of another one's call", () => {
  it("gets 404 for it, over each way, and 503 while an owner has paused the bot", () =>
    withProgram({}, {}, async ({ client, rewrite, user, ...scene }) => {
      const desk = { token: "desk-token-of-forty-characters-for-tests!", user: user("ada").id };
      const { api } = apiConfig(user("ada").id);
      const { id } = await client.responses.create({ model: "main", input: "for the house" });
      const programs = { ...Object(api).programs, desk };
      rewrite({ config: { api: { ...api, programs } } });
      const other = new OpenAI({ apiKey: desk.token, baseURL: client.baseURL, maxRetries: 0 });
      await scene.eventually(
        "the other program",
        () => other.models.list().then(() => true, () => false),
      );
      await assert.rejects(
        other.responses.retrieve(id),
        refused(404, /desk has no call \d+/),
      );
      await assert.rejects(
        other.responses.create({ model: "main", input: "x", previous_response_id: id }),
        refused(404, /There is no response \d+/),
      );
      const answer = await fetch(new URL("/mcp", client.baseURL), {
        method: "POST",
        headers: {
          Authorization: `Bearer ${desk.token}`,
          "Content-Type": "application/json",
          Accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: { name: "answer", arguments: { id: id.replace("resp_", "") } },
        }),
      });
      assert.match(await answer.text(), /desk has no call \d+/);
      assert.match((await client.responses.retrieve(id)).output_text, /for the house/);
      assert.equal((await scene.cli("pause")).code, 0);
      await assert.rejects(
        client.chat.completions.create(hello),
        refused(503, /an owner has paused the bot/),
      );
    }));
});

describe("[O14] [C9] a running bot", () => {
  it("takes a program at once, and listens to none without it", () =>
    withSimulation({}, async (scene) => {
      const { start, rewrite, user, line, ask } = scene;
      const bot = await start();
      await line(bot, /"Barnacle is running"/);
      assert.equal((await ask(bot, "/v1/models")).status, 404);
      rewrite({ config: apiConfig(user("ada").id) });
      const client = await clientOf(scene, bot);
      await client.models.list();
      rewrite({});
      await scene.eventually(
        "the end",
        () =>
          client.models.list().then(
            () => false,
            (error) => error instanceof OpenAI.APIConnectionError,
          ),
      );
    }));
});

describe("[O14] barnacle mcp serve", () => {
  it("refuses to be an MCP server of its own bot, also if its data are named by a link", () =>
    withSimulation({}, ({ rewrite, user, dataDir, configFile, simulator }) => {
      rewrite({ config: apiConfig(user("ada").id) });
      const cwd = join(dataDir, "mcp", "own");
      mkdirSync(cwd, { recursive: true });
      const link = join(dataDir, "link");
      symlinkSync(dataDir, link);
      const { program, args } = commandUnderTest();
      for (const data of [dataDir, link]) {
        const { status, stderr } = spawnSync(
          program,
          [...args, "mcp", "serve", "--data", data, "--config", configFile],
          {
            cwd,
            encoding: "utf8",
            env: {
              HOME: cwd,
              PATH: process.env["PATH"] ?? "",
              DISCORD_API_URL: simulator.apiUrl,
              DISCORD_BOT_TOKEN: simulator.token,
            },
          },
        );
        assert.match(stderr, /own MCP client has started it: an agent would ask itself/, data);
        assert.equal(status, 2, data);
      }
      return Promise.resolve();
    }));

  it("needs none of the secrets that the config names", () =>
    withSimulation({}, ({ rewrite, user, dataDir, configFile }) => {
      rewrite({ config: apiConfig(user("ada").id, { token: "${HOUSE_TOKEN}" }) });
      const { program, args } = commandUnderTest();
      const { stderr } = spawnSync(
        program,
        [...args, "mcp", "serve", "--data", dataDir, "--config", configFile],
        {
          encoding: "utf8",
          env: { HOME: dataDir, PATH: process.env["PATH"] ?? "" },
        },
      );
      assert.equal(stderr, "barnacle: the bot does not answer; start it first\n");
      return Promise.resolve();
    }));

  it("says in one line why it cannot serve", () =>
    withSimulation({}, async ({ cli, rewrite, user }) => {
      const none = await cli("mcp", "serve");
      assert.equal(none.code, 78);
      assert.match(none.stderr.join("\n"), /api\.programs has no program; add one/);
      rewrite({ config: apiConfig(user("ada").id) });
      const unknown = await cli("mcp", "serve", "--program", "desk");
      assert.match(unknown.stderr.join("\n"), /choose one by --program: house/);
      assert.notEqual(unknown.code, 0);
      const alone = await cli("mcp", "serve");
      assert.equal(alone.code, 75);
      assert.deepEqual(alone.stderr, ["barnacle: the bot does not answer; start it first"]);
      assert.deepEqual(alone.stdout, []);
    }));
});

describe("[O14] [T10] a call whose agent asks a person", () => {
  it("waits for the answer on Discord, and lists it among the approvals", () =>
    withProgram({}, {}, async ({ client, simulator, until, cli }) => {
      const content = 'call: ask {"question":"Which colour?","options":["red","blue"]}';
      const asking = client.chat.completions.create({
        model: "main",
        messages: [{ role: "user", content }],
      });
      const { id } = simulator.channel("dm", "ada");
      const card = await until(
        "a question",
        () => simulator.posted(id).findLast(({ components }) => usableIn(components).length > 0),
      );
      assert.match((await cli("approvals", "list")).stdout.join("\n"), /ask/);
      const button = buttonsIn(card.components).find(({ label }) => label === "blue");
      assert.ok(button);
      const customId = button.custom_id;
      simulator.press({ as: "ada", in: "dm", message: card.id, customId });
      const { choices } = await asking;
      assert.match(choices[0]?.message.content ?? "", /blue/);
    }));
});
