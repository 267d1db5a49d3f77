import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MODEL_BEHAVIOURS } from "../../../simulator/model/behaviour.ts";
import { REQUESTS_MAX, startModelServer } from "../../../simulator/model/server.ts";
import { listen, modelAt, withModelServer } from "../../support/model/model_server.ts";

const asking = (text: string) => ({ system: "", messages: [{ role: "user" as const, text }] });

describe("startModelServer()", () => {
  it("lists its models as OpenAI does", async () => {
    await withModelServer({}, async ({ baseUrl, models }) => {
      const { data } = await (await fetch(`${baseUrl}/models`)).json();
      assert.deepEqual(data.map(({ id }: { id: string }) => id), models);
    });
  });

  it("answers the text in the fence", async () => {
    await withModelServer({}, async (server) => {
      const prompt = 'from somebody\n<message boundary="k3f9">\nwhat is new?\n</message>';
      const { text } = await listen(modelAt(server), undefined, asking(prompt));
      assert.match(text, /\n> what is new\?\n/);
      assert.doesNotMatch(text, /somebody/);
      assert.equal(server.requests[0]?.words, "what is new?");
    });
  });

  it("fails once if the words ask for it", async () => {
    await withModelServer({}, async (server) => {
      const model = modelAt(server);
      const failed = await listen(model, undefined, asking("please simulate: server_error"));
      assert.notEqual(failed.error, undefined);
      assert.equal((await listen(model)).error, undefined);
      assert.equal((await listen(model, undefined, asking("simulate: nonsense"))).error, undefined);
    });
  });

  it("fails the given number of times", async () => {
    await withModelServer({}, async (server) => {
      server.behave("rate_limited", 2);
      for (let asked = 0; asked < 3; asked++) await listen(modelAt(server));
      assert.deepEqual(server.requests.map(({ behaviour }) => behaviour), [
        "rate_limited",
        "rate_limited",
        "script",
      ]);
    });
  });

  it("keeps a bounded number of requests", async () => {
    await withModelServer({ behaviour: "server_error" }, async ({ baseUrl, requests }) => {
      for (let asked = 0; asked < REQUESTS_MAX + 2; asked++) {
        const body = JSON.stringify({
          model: `m${asked}`,
          stream: true,
          messages: [{ role: "user", content: "x" }],
        });
        await (await fetch(`${baseUrl}/chat/completions`, { method: "POST", body })).text();
      }
      assert.equal(requests.length, REQUESTS_MAX);
      assert.equal(requests[0]?.model, "m2");
    });
  });

  it("refuses an invalid request, and does not keep it", async () => {
    await withModelServer({}, async ({ baseUrl, requests }) => {
      for (const [path, body] of [["/messages", "{"], ["/chat/completions", "{}"]] as const) {
        const response = await fetch(`${baseUrl}${path}`, { method: "POST", body });
        assert.equal(response.status, 400);
        await response.text();
      }
      const elsewhere = await fetch(`${baseUrl}/elsewhere`);
      assert.equal(elsewhere.status, 404);
      await elsewhere.text();
      assert.equal(requests.length, 0);
    });
  });

  it("closes at once, despite hanging, stalled and slow requests", async () => {
    const server = await startModelServer();
    const heard = [];
    for (const behaviour of ["hang", "stall", "slow"] as const) {
      heard.push(listen(modelAt(server), undefined, asking(`simulate: ${behaviour}`)));
    }
    while (server.requests.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.close();
    for (const { error } of await Promise.all(heard)) assert.notEqual(error, undefined);
  });

  it("names each behaviour once", () => {
    assert.equal(new Set(MODEL_BEHAVIOURS).size, MODEL_BEHAVIOURS.length);
  });
});
