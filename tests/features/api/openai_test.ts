/** Tests the API for programs with OpenAI's own client, against the built bot (O14). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import OpenAI from "openai";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { apiConfig, apiUrl, PROGRAM_TOKEN } from "../../support/bot/api.ts";

const hello = { model: "main", messages: [{ role: "user" as const, content: "hello reef" }] };

describe("[O14] a program with OpenAI's client", () => {
  // Ada, who owns the bot, has the program.
  const play = sharedBot({}, ({ rewrite, user }) => {
    rewrite({ config: apiConfig(user("ada").id) });
  });
  const withApi = (test: (scene: Scene & { readonly client: OpenAI }) => Promise<void>) =>
    play(async (scene, bot) => {
      const baseURL = apiUrl(await scene.line(bot, /"Programs can reach the bot"/));
      await test({
        ...scene,
        client: new OpenAI({ apiKey: PROGRAM_TOKEN, baseURL, maxRetries: 0 }),
      });
    });

  it("lists the agents as models", () =>
    withApi(async ({ client }) => {
      const { data } = await client.models.list();
      assert.deepEqual(data.map(({ id }) => id), ["main"]);
    }));

  it("gets an answer, and Discord gets nothing", () =>
    withApi(async ({ client, written, cli, rows, model }) => {
      model.behave("cut", 1); // [L3] the model is asked again, as no person has seen a part
      const { id, choices: [choice], usage } = await client.chat.completions.create(hello);
      assert.match(choice?.message.content ?? "", /hello reef/);
      assert.equal(choice?.finish_reason, "stop");
      assert.ok((usage?.total_tokens ?? 0) > 0);
      assert.deepEqual(written("dm", "ada"), []);
      const why = (await cli("why", id.replace("chatcmpl-", ""))).stdout.join("\n");
      assert.match(why, /program house/);
      assert.deepEqual(rows("SELECT * FROM outbox"), []);
    }));

  it("gets the answer as a stream whose parts are the answer", () =>
    withApi(async ({ client, model }) => {
      model.behave("slow");
      const parts: string[] = [];
      let usage: unknown;
      const stream = await client.chat.completions.create({
        ...hello,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of stream) {
        parts.push(chunk.choices[0]?.delta.content ?? "");
        usage = chunk.usage ?? usage;
      }
      assert.match(parts.join(""), /hello reef/);
      assert.ok(parts.filter((part) => part !== "").length > 1, JSON.stringify(parts));
      assert.ok(usage);
    }));

  it("brings its own history and instructions along, and leaves none behind", () =>
    withApi(async ({ client, model }) => {
      await client.chat.completions.create({
        model: "main",
        messages: [
          { role: "system", content: "Be short." },
          { role: "user", content: "first question" },
          { role: "assistant", content: "first answer" },
          { role: "user", content: "second question" },
        ],
      });
      const first = JSON.stringify(model.requests.at(-1)?.messages);
      for (const text of ["Be short.", "first question", "first answer", "second question"]) {
        assert.ok(first.includes(text), first);
      }
      await client.chat.completions.create(hello);
      const second = JSON.stringify(model.requests.at(-1)?.messages);
      assert.doesNotMatch(second, /first question/);
    }));

  it("continues a response by its id, and reads it again", () =>
    withApi(async ({ client, model }) => {
      const first = await client.responses.create({ model: "main", input: "the tide is high" });
      assert.match(first.output_text, /the tide is high/);
      const second = await client.responses.create({
        model: "main",
        input: "and now?",
        previous_response_id: first.id,
      });
      assert.match(second.output_text, /and now\?/);
      assert.match(JSON.stringify(model.requests.at(-1)?.messages), /the tide is high/);
      assert.equal((await client.responses.retrieve(second.id)).output_text, second.output_text);
      await assert.rejects(
        client.responses.create({ model: "main", input: "x", previous_response_id: first.id }),
        /Only the newest answer of a conversation can be continued/,
      );
    }));

  it("gets a response as a stream of events", () =>
    withApi(async ({ client }) => {
      const stream = client.responses.stream({ model: "main", input: "hello stream" });
      const types = new Set<string>();
      for await (const { type } of stream) types.add(type);
      const final = await stream.finalResponse();
      assert.match(final.output_text, /hello stream/);
      for (
        const type of ["response.created", "response.output_text.delta", "response.completed"]
      ) assert.ok(types.has(type), type);
    }));

  it("gets the same answer for the same Idempotency-Key, and the model is asked once", () =>
    withApi(async ({ client, model }) => {
      const options = { headers: { "Idempotency-Key": "house-1" } };
      const first = await client.chat.completions.create(hello, options);
      const again = await client.chat.completions.create(hello, options);
      assert.equal(again.id, first.id);
      assert.deepEqual(again.choices, first.choices);
      assert.equal(model.requests.length, 1);
      await assert.rejects(
        client.chat.completions.create({ ...hello, messages: [{ role: "user", content: "x" }] }, {
          ...options,
        }),
        /this Idempotency-Key belongs to another request/,
      );
    }));

  it("that goes before its answer ends the turn, and why says so", () =>
    withApi(async ({ client, model, eventually, rows, cli }) => {
      model.behave("hang");
      const leaving = new AbortController();
      const asking = client.chat.completions.create(hello, { signal: leaving.signal });
      asking.catch(() => {});
      await eventually(
        "the request to the model",
        () => Promise.resolve(model.requests.length > 0),
      );
      leaving.abort();
      const state = () => rows("SELECT message_id AS id, state FROM inbox ORDER BY rowid DESC")[0];
      await eventually("the end", () => Promise.resolve(state()?.["state"] === "cancelled"));
      const why = (await cli("why", String(state()?.["id"]))).stdout.join("\n");
      assert.match(why, /no answer: the program went away before it/);
    }));
});

describe("[O14] a bot that is killed during a call", () => {
  for (const point of ["before:T3", "after:T3"]) {
    it(`${point} › answers the same key once it runs again, and the call runs once`, () =>
      withSimulation({}, async ({ start, rewrite, user, line, model, rows }) => {
        rewrite({ config: apiConfig(user("ada").id) });
        const options = { headers: { "Idempotency-Key": "house-1" } };
        const clientOf = async (bot: SimulatedProcess) =>
          new OpenAI({
            apiKey: PROGRAM_TOKEN,
            baseURL: apiUrl(await line(bot, /"Programs can reach the bot"/)),
            maxRetries: 0,
          });
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const asked = (await clientOf(dying)).chat.completions.create(hello, options);
        await assert.rejects(asked);
        assert.deepEqual(await ended(dying), KILLED);
        const client = await clientOf(await start());
        const { choices } = await client.chat.completions.create(hello, options);
        assert.match(choices[0]?.message.content ?? "", /hello reef/);
        assert.equal(rows("SELECT 1 FROM inbox").length, 1);
        assert.equal(model.requests.length, point === "after:T3" ? 1 : 2);
      }));
  }
});
