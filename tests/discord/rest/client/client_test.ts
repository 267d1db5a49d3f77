import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PostOutcome } from "../../../../src/core/outbound/outbound.ts";
import { type ClientOptions, createClient } from "../../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../../src/discord/rest/exchange/exchange.ts";
import { createMessage } from "../../../../src/discord/rest/requests/messages.ts";
import { createInvalidRequests } from "../../../../src/discord/rest/scheduler/rate_limiter.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { channelId, outboundMessage } from "../../../support/discord/builders.ts";
import { created, json, limited, type Script, startStub, TOKEN } from "../stub_discord.ts";
import { createVirtualTime } from "../virtual_time.ts";
import { listening } from "../../../support/network/listening.ts";

const A = channelId("1400000000000000002");
function optionsOf(apiUrl: string, fields: Partial<ClientOptions> = {}): ClientOptions {
  return {
    token: TOKEN,
    apiUrl,
    version: "1.2.3",
    timeoutMs: 10_000,
    globalPerSec: 50,
    unusedPerSec: 0,
    retry: { attempts: 1, minDelayMs: 20, maxDelayMs: 100, jitter: 0 },
    invalidRequests: createInvalidRequests(),
    random: () => 0.5,
    now: Date.now,
    steadyNow: () => performance.now(),
    schedule,
    ...fields,
  };
}

/** A client, and a Discord that answers by the script; both end with the test. */
async function withDiscord(
  script: Script,
  use: (
    discord: Awaited<ReturnType<typeof startStub>>,
    client: ReturnType<typeof createClient>,
    say: (text: string, channel?: typeof A) => Promise<PostOutcome>,
  ) => Promise<void>,
  fields: Partial<ClientOptions> = {},
): Promise<void> {
  const discord = await startStub(script);
  const client = createClient(optionsOf(discord.url, fields));
  const say = (content: string, channel = A) => {
    const message = outboundMessage({ channelId: channel, content, nonce: content });
    return createMessage(client, message, [], Date.now() + 60_000);
  };
  try {
    await use(discord, client, say);
    assert.deepEqual(discord.problems, []);
  } finally {
    client.stop();
    await discord.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<RestError> {
  const thrown = await promise.then(() => undefined, (error: unknown) => error);
  assert.ok(thrown instanceof RestError, `Not a RestError: ${thrown}`);
  return thrown;
}

const contents = (seen: readonly { body: { content?: string } | undefined }[]) =>
  seen.map(({ body }) => body?.content);

describe("createClient() against a server", () => {
  it("[D5] fails as unsent if no server listens", async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const client = createClient(optionsOf(`http://127.0.0.1:${port}/api`));
    const outcome = await createMessage(client, outboundMessage(), [], Date.now() + 60_000);
    assert.equal(outcome.kind, "unsent");
    assert.equal((await failureOf(client.request("GET", "/gateway/bot"))).kind, "unsent");
  });

  it("[D3] sends no more requests once the token is rejected", async () => {
    const script: Script = (_seen, response) =>
      json(response, 401, { code: 0, message: "401: Unauthorized" });
    await withDiscord(script, async (discord, client, say) => {
      const outcomes = await Promise.all([say("1"), say("2")]);
      assert.deepEqual(outcomes.map((outcome) => "why" in outcome && outcome.why), [
        "unauthorized",
        "unauthorized",
      ]);
      const later = await failureOf(client.request("GET", "/users/@me"));
      assert.equal(later.kind, "unauthorized");
      assert.match(later.message, /was not sent: Discord rejected the bot token/);
      assert.equal(discord.seen.length, 1);
    });
  });

  for (
    const [what, again, refusalsMeant] of [
      ["does not stop for one refusal that Discord takes back", 200, 0],
      ["stops for a repeated refusal", 401, 1],
    ] as const
  ) {
    it(`[D3] a client whose token has worked ${what}`, async () => {
      const discord = await startStub((seen, response, index) => {
        if (index === 0) return json(response, 200, {});
        const isRefused = index === 1 || seen.path.endsWith("/users/@me") && again === 401;
        if (isRefused) return json(response, 401, { code: 0, message: "401: Unauthorized" });
        json(response, 200, {});
      });
      let refusals = 0;
      const client = createClient({
        ...optionsOf(discord.url),
        onTokenRefused: () => refusals += 1,
      });
      await client.request("GET", "/gateway/bot");
      const failure = await failureOf(client.request("GET", "/channels/1"));
      assert.equal(failure.kind, again === 401 ? "unauthorized" : "unavailable");
      assert.equal(refusals, refusalsMeant);
      assert.equal(discord.seen.length, 3, "one retry, and no more");
      if (again === 200) assert.deepEqual(await client.request("GET", "/channels/1"), {});
      await discord.close();
    });
  }

  it("[D5] reports each channel for which Discord carries out a request", async () => {
    const served: string[] = [];
    const script: Script = (seen, response, index) =>
      index === 0 ? limited(response, "user", 0.01) : created(seen, response, index);
    await withDiscord(script, async (_discord, client) => {
      await client.request("POST", `/channels/${A}/typing`);
      await client.request("GET", "/users/1400000000000000004");
      assert.deepEqual(served, [A]);
    }, { onServed: (channelId) => served.push(channelId) });
  });

  it("[D6] stops at once: requests in flight are unavailable, waiting ones unsent", {
    timeout: 5_000,
  }, async () => {
    const asked = Promise.withResolvers<void>();
    await withDiscord(() => asked.resolve(), async (discord, client, say) => {
      const [first, second] = [say("1"), say("2")];
      await asked.promise;
      client.stop();
      assert.deepEqual([(await first).kind, (await second).kind], ["unanswered", "unsent"]);
      assert.equal((await say("3")).kind, "unsent");
      assert.deepEqual(contents(discord.seen), ["1"]);
    }, { timeoutMs: 600_000 });
  });

  for (const token of ["", "a b", "abc\n", "tøken"]) {
    it(`rejects a token that no header can carry: ${JSON.stringify(token)}`, () => {
      assert.throws(() => createClient(optionsOf("http://127.0.0.1:1/api", { token })), (error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /bot token is empty or contains/);
        assert.ok(token === "" || !error.message.includes(token));
        return true;
      });
    });
  }
});

describe("createClient() and retries", () => {
  const RETRY = { attempts: 3, minDelayMs: 20, maxDelayMs: 100, jitter: 0 };
  const bad: Script = (_seen, response) => json(response, 502, {});

  it("[D5] retries after 5xx with back-off, and its queue waits", async () => {
    const script: Script = (seen, response, index) => {
      if (index < 2) return bad(seen, response, index);
      json(response, 200, { path: seen.path });
    };
    await withDiscord(script, async (discord, client) => {
      const first = client.request("PATCH", `/channels/${A}/messages/1`, {
        body: { content: "1" },
      });
      const second = client.request("PATCH", `/channels/${A}/messages/2`, { body: {} });
      assert.deepEqual(await first, { path: `/channels/${A}/messages/1` });
      await second;
      assert.deepEqual(discord.seen.map(({ path }) => path.at(-1)), ["1", "1", "1", "2"]);
      const [at0 = 0, at1 = 0, at2 = 0] = discord.seen.map(({ at }) => at);
      assert.ok(at1 - at0 >= 19 && at2 - at1 >= 39, `${at1 - at0}, ${at2 - at1}`);
    }, { retry: RETRY });
  });

  const once: readonly [method: "POST" | "PUT", priority: "spare" | undefined][] = [
    ["POST", undefined],
    ["PUT", "spare"],
  ];
  for (const [method, priority] of once) {
    it(`[D5] never retries ${method} ${priority ?? ""}`, async () => {
      await withDiscord(bad, async (discord, client) => {
        const path = `/channels/${A}/messages/1/reactions/x/@me`;
        const failure = await failureOf(
          client.request(method, path, { ...(priority && { priority }) }),
        );
        assert.equal(failure.kind, "unavailable");
        assert.equal(discord.seen.length, 1);
      }, { retry: RETRY });
    });
  }

  it("[D2] sends no message whose rate limit outlasts its nonce, and the queue continues", async () => {
    const time = createVirtualTime();
    const posted: string[] = [];
    const client = createClient(optionsOf("http://discord.test/api", {
      ...{ now: time.now, steadyNow: time.now, schedule: time.schedule },
      fetch(_url, init) {
        posted.push(JSON.parse(String(init?.body)).content);
        return Promise.resolve(
          posted.length === 1
            ? Response.json({ message: "You are being rate limited.", retry_after: 400 }, {
              status: 429,
              headers: { "x-ratelimit-scope": "user", "retry-after": "400" },
            })
            : Response.json({ id: "1400000000000000000" }),
        );
      },
    }));
    const startedAt = time.now();
    const say = (content: string, forMs: number) =>
      time.run(
        createMessage(client, outboundMessage({ channelId: A, content }), [], time.now() + forMs),
      );
    const late = await say("1", 200_000);
    assert.ok(late.kind === "refused" && late.why === "rate_limited");
    assert.equal(late.retryAfterMs, 400_000);
    assert.equal(time.now(), startedAt);
    assert.equal((await say("2", 600_000)).kind, "created");
    assert.equal(time.now(), startedAt + 400_000);
    assert.deepEqual(posted, ["1", "2"]);
    client.stop();
  });

  it("[D5] never fails as unsent if Discord may have carried out an earlier attempt", async () => {
    let asked = 0;
    const refused = () => Object.assign(new TypeError("no"), { code: "ECONNREFUSED" });
    const client = createClient(optionsOf("http://discord.test/api", {
      retry: RETRY,
      fetch: () =>
        Promise.reject(++asked === 1 ? new TypeError("the connection broke") : refused()),
    }));
    const failure = await failureOf(client.request("PATCH", "/channels/1/messages/1"));
    assert.equal(failure.kind, "unavailable");
    assert.equal(asked, 3);
    assert.equal(
      (await failureOf(client.request("PATCH", "/channels/1/messages/1"))).kind,
      "unsent",
    );
  });
});

describe("createClient() and cancelled requests", () => {
  it("[D6] cancels a request in flight, and the queue continues", async () => {
    const asked = Promise.withResolvers<void>();
    const script: Script = (_seen, response, index) =>
      index === 0 ? asked.resolve() : json(response, 200, {});
    await withDiscord(script, async (_discord, client) => {
      const abort = new AbortController();
      const given = failureOf(client.request("GET", "/gateway/bot", { signal: abort.signal }));
      const next = client.request("GET", "/gateway/bot");
      await asked.promise;
      abort.abort(new Error("no longer needed"));
      const failure = await given;
      assert.equal(failure.kind, "unavailable");
      assert.match(failure.message, /no longer needed/);
      assert.deepEqual(await next, {});
    }, { retry: { attempts: 3, minDelayMs: 1, maxDelayMs: 1, jitter: 0 } });
  });

  it("[D6] uses a request's own timeout", async () => {
    await withDiscord(() => undefined, async (_discord, client) => {
      const failure = await failureOf(client.request("GET", "/gateway/bot", { timeoutMs: 50 }));
      assert.match(failure.message, /nothing within 50 ms/);
    });
  });
});

it("[G6] createClient() and a clock that is wrong › tells Discord's time from its first answer on", async () => {
  const sentAt = Date.UTC(2026, 0, 1);
  const script: Script = (_seen, response) => {
    response.setHeader("date", new Date(sentAt).toUTCString());
    json(response, 200, {});
  };
  const now = () => Date.now() + 3_600_000;
  await withDiscord(script, async (_discord, client) => {
    assert.ok(client.discordNow() >= now() - 60_000);
    await client.request("GET", "/gateway/bot");
    const elapsedMs = client.discordNow() - sentAt;
    assert.ok(elapsedMs >= 0 && elapsedMs < 60_000, `${elapsedMs}`);
  }, { now });
});

describe("createClient() and invalid requests", () => {
  const noted = (count: number) => {
    const invalidRequests = createInvalidRequests();
    for (let number = 0; number < count; number++) invalidRequests.note(Date.now());
    return invalidRequests;
  };

  it("[D3] counts the invalid requests that Discord counts, and reports its status", async () => {
    const states: string[] = [];
    const script: Script = (_seen, response, index) => {
      if (index === 0) return limited(response, "shared", 0.01);
      if (index === 1) return limited(response, "user", 0.01);
      json(response, 403, { code: 50013, message: "Missing Permissions" });
    };
    await withDiscord(script, async (_discord, client) => {
      await failureOf(client.request("GET", "/gateway/bot"));
      const standing = { invalidRequests: 2, breaker: "closed", queued: 0, limitedMs: 0 };
      assert.deepEqual(client.status(), standing);
      assert.deepEqual(states, []);
    }, { onBreaker: (state) => states.push(state) });
  });

  it("[D3] sends nothing from 2,000 invalid requests on, and names the time of a retry", async () => {
    const states: string[] = [];
    await withDiscord(created, async (discord, client) => {
      for (const priority of [undefined, "interaction", "background"] as const) {
        const notAfter = Date.now() + 5_000;
        const asked = client.request("GET", "/gateway/bot", {
          notAfter,
          ...(priority && { priority }),
        });
        const failure = await failureOf(asked);
        assert.equal(failure.kind, "rate_limited");
        assert.ok((failure.retryAfterMs ?? 0) > 9 * 60_000);
      }
      assert.equal(
        (await failureOf(client.request("PUT", "/x", { priority: "spare" }))).kind,
        "unsent",
      );
      assert.equal(discord.seen.length, 0);
      assert.deepEqual(states, ["stopped"]);
      assert.equal(client.status().breaker, "stopped");
    }, {
      invalidRequests: noted(2_000),
      onBreaker: (state) => states.push(state),
    });
  });

  it("[D3] never reaches 2,000 invalid requests, even if all requests fail", async () => {
    const time = createVirtualTime();
    const counts: number[] = [];
    const invalidRequests = createInvalidRequests();
    const client = createClient(optionsOf("http://discord.test/api", {
      ...{ now: time.now, steadyNow: time.now, schedule: time.schedule, invalidRequests },
      fetch() {
        counts.push(invalidRequests.count(time.now()));
        return Promise.resolve(new Response('{"code":50013,"message":"No"}', { status: 403 }));
      },
    }));
    const startedAt = time.now();
    await time.run((async () => {
      while (time.now() - startedAt < 25 * 60_000) {
        const asked = Array.from(
          { length: 25 },
          (_, n) => failureOf(client.request("GET", `/channels/${n}`)),
        );
        await Promise.all(asked);
      }
    })());
    assert.ok(Math.max(...counts) >= 1_600, `${Math.max(...counts)}: slower than necessary`);
    assert.ok(Math.max(...counts) < 2_000, `${Math.max(...counts)}`);
    assert.equal(time.pending, 0);
  });
});

/** One response of Discord in the property below. */
type Answer =
  | { readonly kind: "ok" | "empty" | "html" | "error" | "breaks" | "hangs" | "untimed" }
  | { readonly kind: "used_up" | "user" | "shared" | "global" | "cloudflare"; readonly ms: number };

const MS = fc.integer({ min: 1, max: 90_000 });
const answers: fc.Arbitrary<Answer> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("ok" as const) }) },
  fc.record({ kind: fc.constantFrom("empty", "html", "error", "breaks", "hangs", "untimed") }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("used_up", "user", "shared", "global", "cloudflare"),
      ms: MS,
    }),
  },
);

const ATTEMPTS = 3;

/** Answers by the script, and checks that no request is early, late, too fast or out of order. */
function createJudge(script: readonly Answer[], time: ReturnType<typeof createVirtualTime>) {
  const queueFrom = new Map<string, number>();
  let allFrom = -Infinity;
  /** When the global limit began. A request that leaves at the same moment cannot know of it. */
  let globalLimitSince = -Infinity;
  const arrivals: { readonly at: number; readonly number: number }[] = [];
  const latest = new Map<string, number>();
  const failures = new Map<number, number>();
  const inFlight = new Set<string>();
  const problems: string[] = [];

  const replyTo = (answer: Answer, queue: string): Response => {
    const reply = (status: number, headers: Record<string, string>, text: string) =>
      new Response(text === "" ? null : text, { status, headers });
    if (!("ms" in answer)) {
      if (answer.kind === "empty") return reply(204, {}, "");
      if (answer.kind === "html") return reply(502, {}, "<html>");
      if (answer.kind === "untimed") return reply(429, { "x-ratelimit-scope": "user" }, "");
      if (answer.kind === "error") return reply(403, {}, '{"code":50013,"message":"No"}');
      return reply(200, {}, '{"id":"1400000000000000001"}');
    }
    const { kind, ms } = answer;
    const until = time.now() + ms;
    const seconds = String(ms / 1_000);
    if (kind === "global" || kind === "cloudflare") {
      allFrom = Math.max(allFrom, until);
      globalLimitSince = time.now();
    } else queueFrom.set(queue, until);
    if (kind === "cloudflare") return reply(429, { "retry-after": seconds }, "<html>");
    if (kind === "used_up") {
      return reply(200, {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset-after": seconds,
      }, '{"id":"1400000000000000001"}');
    }
    return reply(429, { "x-ratelimit-scope": kind }, `{"retry_after":${seconds}}`);
  };

  return {
    problems,
    arrivals,
    async fetch(url: string, init: RequestInit): Promise<Response> {
      const at = time.now();
      const queue = `${init.method} ${url}`;
      const { content = "" } = JSON.parse(String(init.body)) as { content?: string };
      const [number = 0, notAfter = 0] = content.split(" ").map(Number);
      if (at < (queueFrom.get(queue) ?? 0)) problems.push(`${number} is early for its queue`);
      if (at < allFrom && at > globalLimitSince) problems.push(`${number} is early for all`);
      if (at > notAfter) problems.push(`${number} is too late`);
      if (inFlight.has(queue)) problems.push(`${number} did not wait for the one before`);
      if (number < (latest.get(queue) ?? 0)) problems.push(`${number} is out of order`);
      if ((failures.get(number) ?? 0) >= (init.method === "POST" ? 1 : ATTEMPTS)) {
        problems.push(`${number} is tried too often`);
      }
      latest.set(queue, number);
      arrivals.push({ at, number });
      const answer = script[arrivals.length - 1] ?? { kind: "ok" };
      if (!("ms" in answer)) failures.set(number, (failures.get(number) ?? 0) + 1);
      inFlight.add(queue);
      try {
        if (answer.kind === "hangs") {
          await new Promise((_, reject) =>
            init.signal?.addEventListener("abort", () => reject(init.signal?.reason))
          );
        }
        await time.sleep(arrivals.length % 7);
        if (answer.kind === "breaks") throw new TypeError("the connection broke");
        return replyTo(answer, queue);
      } finally {
        inFlight.delete(queue);
      }
    },
  };
}

it("[D3] createClient() on a slow machine › counts a request from the time it has left, not from its permit", async () => {
  const time = createVirtualTime();
  const startedAt = time.now();
  let lag = 0;
  const steadyNow = () => time.now() - startedAt + lag;
  const begun: number[] = [];
  const client = createClient(optionsOf("http://discord.test/api", {
    globalPerSec: 1,
    now: time.now,
    steadyNow,
    // A timer set before those 50 ms fires that much earlier after them.
    schedule: (run, ms) => time.schedule(run, lag === 0 ? Math.max(0, ms - 50) : ms),
    fetch() {
      begun.push(steadyNow());
      lag += 50; // building and writing the request takes that long
      return Promise.resolve(new Response("{}"));
    },
  }));
  const ask = (channel: number) => client.request("GET", `/channels/${channel}/messages`);
  await time.run(Promise.all([ask(1), ask(2)]));
  assert.deepEqual(begun, [0, 50 + 1_020]);
});

it("[D1] [D2] [D3] [D5] createClient() under any sequence of answers › keeps order, sends nothing early, late, too fast or too often, and answers each request", async () => {
  const request = fc.record({
    method: fc.constantFrom("POST" as const, "PATCH" as const),
    channel: fc.integer({ min: 0, max: 3 }),
    withinMs: fc.integer({ min: 0, max: 100_000 }),
    priority: fc.constantFrom(undefined, undefined, "interaction" as const, "spare" as const),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(answers, { maxLength: 40 }),
      fc.array(request, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (script, requests, globalPerSec) => {
        const time = createVirtualTime();
        const judge = createJudge(script, time);
        const client = createClient(optionsOf("http://discord.test/api", {
          globalPerSec,
          retry: { attempts: ATTEMPTS, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 },
          now: time.now,
          steadyNow: time.now,
          schedule: time.schedule,
          fetch: judge.fetch,
        }));
        const settled = await time.run(
          Promise.allSettled(requests.map(({ method, channel, withinMs, priority }, number) => {
            const notAfter = time.now() + withinMs;
            const path = `/channels/${channel}/messages${method === "POST" ? "" : "/9"}`;
            const body = { content: `${number} ${notAfter}` };
            return client.request(method, path, { body, notAfter, ...(priority && { priority }) });
          })),
        );
        for (const outcome of settled) {
          assert.ok(outcome.status === "fulfilled" || outcome.reason instanceof RestError);
        }
        assert.deepEqual(judge.problems, []);
        const counted = judge.arrivals
          .filter(({ number }) => requests[number]?.priority !== "interaction")
          .map(({ at }) => at);
        for (const [index, at] of counted.entries()) {
          const earlier = counted[index - globalPerSec];
          assert.ok(earlier === undefined || at - earlier >= 1_000, "too fast for the whole bot");
        }
        assert.equal(client.status().queued, 0);
        assert.equal(time.pending, 0, "a timer is left");
      },
    ),
    { numRuns: 300 },
  );
});
