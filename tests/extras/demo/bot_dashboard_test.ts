/** Tests how the demo passes the requests of the dashboard on to the bot. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { createBotDashboard, isOfDashboard } from "../../../src/extras/demo/bot_dashboard.ts";
import { startHttpServer } from "../../../src/host/http_server.ts";
import type { RequestHandler } from "../../../src/host/bounded_server.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Plays with a stand-in for the bot, whose lock file names its address and the process `pid`. */
async function withBot(
  answer: RequestHandler,
  play: (send: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>,
  pid = process.pid,
): Promise<void> {
  using data = tempDirectory();
  const server = await startHttpServer({ port: 0 }, answer);
  const http = `127.0.0.1:${server.port}`;
  writeFileSync(join(data.path, "lock"), JSON.stringify({ pid, startedAt: 1, http }));
  const dashboard = createBotDashboard(data.path);
  try {
    await play((path, init) => dashboard.answer(new Request(`http://192.0.2.7:8787${path}`, init)));
  } finally {
    await server.close();
  }
}

describe("[O5] [O6] createBotDashboard()", () => {
  it("passes method, address, token and body on, under the bot's own name", () =>
    withBot(
      async (request) => {
        const { method, url, headers } = request;
        return Response.json({
          method,
          path: new URL(url).pathname + new URL(url).search,
          names: ["host", "authorization", "content-type", "origin", "cookie"]
            .map((name) => headers.get(name)?.replace(/\d+$/, "0") ?? null),
          body: await request.text(),
        }, { status: 422, headers: { "Content-Security-Policy": "its own" } });
      },
      async (send) => {
        const answer = await send("/dashboard/changes/x?a=1", {
          method: "POST",
          headers: {
            Authorization: "Bearer once",
            "Content-Type": "application/json",
            Origin: "http://192.0.2.7:8787",
            Cookie: "other=1",
          },
          body: '{"é":1}',
        });
        assert.equal(answer.status, 422);
        assert.equal(answer.headers.get("content-security-policy"), "its own");
        assert.deepEqual(await answer.json(), {
          method: "POST",
          path: "/dashboard/changes/x?a=1",
          names: ["127.0.0.1:0", "Bearer once", "application/json", null, null],
          body: '{"é":1}',
        });
      },
    ));

  it("passes an answer on while it is made, and ends it when the browser leaves", async () => {
    const left = Promise.withResolvers<string>();
    await withBot(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (stream) => stream.enqueue(new TextEncoder().encode("first\n")),
            cancel: () => left.resolve("left"),
          }),
        ),
      async (send) => {
        const reader = (await send("/dashboard/live/now")).body?.getReader();
        const { value } = await reader?.read() ?? {};
        assert.equal(new TextDecoder().decode(value), "first\n");
        await reader?.cancel();
        assert.equal(await left.promise, "left");
      },
    );
  });

  it("passes on an answer without a body", () =>
    withBot(
      () => new Response(null, { status: 204 }),
      async (send) => {
        assert.equal((await send("/dashboard/logout", { method: "POST", body: "{}" })).status, 204);
      },
    ));

  it("passes nothing on to another program that has the port of a bot that ended", async () => {
    const requests: string[] = [];
    await withBot(
      ({ url }) => {
        requests.push(url);
        return new Response("the other program");
      },
      async (send) => assert.equal((await send("/dashboard/today")).status, 502),
      spawnSync("true").pid,
    );
    assert.deepEqual(requests, []);
  });

  it("says that the bot is away if it has no address, or does not answer there", async () => {
    using data = tempDirectory();
    const { answer, link } = createBotDashboard(data.path);
    const ask = async () => {
      const { status, ...rest } = await answer(new Request("http://127.0.0.1/dashboard"));
      assert.equal(status, 502, JSON.stringify(rest));
    };
    await ask();
    const free = await startHttpServer({ port: 0 }, () => new Response());
    await free.close();
    const http = `127.0.0.1:${free.port}`;
    writeFileSync(join(data.path, "lock"), JSON.stringify({ pid: 1, startedAt: 1, http }));
    await ask();
    await assert.rejects(link(), {
      name: "RangeError",
      message: "The bot does not run at the moment; try again soon",
    });
  });
});

describe("[O5] isOfDashboard()", () => {
  for (
    const [path, expected] of [
      ["/dashboard", true],
      ["/dashboard/today", true],
      ["/dashboards", false],
      ["/", false],
      ["/say", false],
    ] as const
  ) {
    it(`${path}: ${expected}`, () => assert.equal(isOfDashboard(path), expected));
  }
});
