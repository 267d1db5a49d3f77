import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel, addUser, privateTo } from "../../../simulator/world/create_world.ts";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import type { RestFault } from "../../../simulator/notes/faults.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";
import { AGENT, type Answer, ask, soon, withSimulator } from "../raw_client.ts";

const openapi = createRequestValidator();
const NO_PINGS = { allowed_mentions: { parse: [] } };
const NO_LIMITS = { rateLimits: false } as const;

const say = (content: string, fields: Readonly<Record<string, unknown>> = {}) => ({
  content,
  ...NO_PINGS,
  ...fields,
});

const idOf = ({ body }: Answer): string => String(Object(body).id);
const codeOf = ({ status, body }: Answer): string => `${status} ${Object(body).code}`;

describe("[D3] REST answers match Discord's own document", { skip: openapi.skip }, () => {
  const routes: readonly [
    string,
    (demo: DemoWorld, messageId: string) => readonly [
      method: string,
      path: string,
      body?: unknown,
    ],
  ][] = [
    ["gateway", () => ["GET", "/gateway"]],
    ["gateway of a bot", () => ["GET", "/gateway/bot"]],
    ["own user", () => ["GET", "/users/@me"]],
    ["own guilds", () => ["GET", "/users/@me/guilds"]],
    ["another user", ({ people }) => ["GET", `/users/${people.ada.id}`]],
    ["application", () => ["GET", "/applications/@me"]],
    ["an intent switched", () => ["PATCH", "/applications/@me", { flags: 1 << 19 }]],
    ["application, the old way", () => ["GET", "/oauth2/applications/@me"]],
    ["direct messages", ({ people }) => [
      "POST",
      "/users/@me/channels",
      { recipient_id: people.grace.id },
    ]],
    ["text channel", ({ channels }) => ["GET", `/channels/${channels.general.id}`]],
    ["thread", ({ channels }) => ["GET", `/channels/${channels.thread.id}`]],
    ["direct channel", ({ malloryDm }) => ["GET", `/channels/${malloryDm.id}`]],
    ["group", ({ groupDm }) => ["GET", `/channels/${groupDm.id}`]],
    ["messages", ({ channels }) => ["GET", `/channels/${channels.general.id}/messages?limit=50`]],
    ["one message", ({ channels }, id) => [
      "GET",
      `/channels/${channels.general.id}/messages/${id}`,
    ]],
    ["reply with a nonce", ({ channels }, id) => [
      "POST",
      `/channels/${channels.general.id}/messages`,
      say("hello", { nonce: "n1", enforce_nonce: true, message_reference: { message_id: id } }),
    ]],
    ["typing", ({ channels }) => ["POST", `/channels/${channels.general.id}/typing`]],
    ["reaction", ({ channels }, id) => [
      "PUT",
      `/channels/${channels.general.id}/messages/${id}/reactions/${encodeURIComponent("👀")}/@me`,
    ]],
    ["who reacted", ({ channels }, id) => [
      "GET",
      `/channels/${channels.general.id}/messages/${id}/reactions/${encodeURIComponent("🦐")}`,
    ]],
    ["guild", ({ krill }) => ["GET", `/guilds/${krill.id}?with_counts=true`]],
    ["channels of a guild", ({ krill }) => ["GET", `/guilds/${krill.id}/channels`]],
    ["threads of a guild", ({ krill }) => ["GET", `/guilds/${krill.id}/threads/active`]],
    ["roles", ({ krill }) => ["GET", `/guilds/${krill.id}/roles`]],
    ["member", ({ krill, people }) => ["GET", `/guilds/${krill.id}/members/${people.grace.id}`]],
    ["an error", () => ["GET", "/channels/1"]],
  ];
  for (const [what, request] of routes) {
    it(what, () =>
      withSimulator(async (sim, demo) => {
        const said = sim.say({
          as: "grace",
          in: "#general",
          text: `<@${demo.barnacle.userId}> <@&${demo.helpers.id}> look`,
          attachments: [{ filename: "a.png", sizeBytes: 1, contentType: "image/png" }],
        });
        sim.say({ as: "ada", in: "#general", text: "indeed", replyTo: said.id });
        sim.say({ as: "deploys", in: "#general", text: "deployed" });
        sim.react({ as: "ada", in: "#general", message: said.id, emoji: "🦐" });
        const [method, path, body] = request(demo, said.id);
        const answer = await ask(sim, method, path, body);
        const record = sim.requests.records().at(-1);
        assert.ok(record);
        assert.deepEqual(openapi.problemsOfAnswer(record, answer.status, answer.body), []);
        if (answer.status < 400) assert.deepEqual(openapi.problemsOf(record), []);
      }, NO_LIMITS));
  }
});

describe("[D2] messages of a history", () => {
  it("have no nonce, own messages neither: only the answer to the create has", () =>
    withSimulator(async (sim, { channels }) => {
      const path = `/channels/${channels.general.id}/messages`;
      const made = await ask(sim, "POST", path, say("x", { nonce: "n", enforce_nonce: true }));
      assert.equal(Object(made.body).nonce, "n");
      const one = await ask(sim, "GET", `${path}/${idOf(made)}`);
      const edited = await ask(sim, "PATCH", `${path}/${idOf(made)}`, say("y"));
      const all = await ask(sim, "GET", path);
      for (const body of [one.body, edited.body, Object(all.body)[0]]) {
        assert.equal(Object(body).id, idOf(made));
        assert.equal("nonce" in Object(body), false);
      }
      const again = await ask(sim, "POST", path, say("x", { nonce: "n", enforce_nonce: true }));
      assert.deepEqual([idOf(again), Object(again.body).nonce], [idOf(made), "n"]);
    }, NO_LIMITS));

  it("have a file's bytes, under the name that Discord gives it", () =>
    withSimulator(async (sim, { channels }) => {
      const form = new FormData();
      form.append("payload_json", JSON.stringify(say("")));
      form.append("files[0]", new Blob(["hello"], { type: "image/png" }), "my answer.png");
      const { body } = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, form);
      const [file] = Object(body).attachments;
      assert.deepEqual([file.filename, file.title, file.size], ["my_answer.png", "my answer", 5]);
      const answer = await fetch(file.url);
      assert.equal(answer.headers.get("content-type"), "image/png");
      assert.equal(await answer.text(), "hello");
      assert.equal("bytes" in Object(sim.requests.records()[0]?.files[0]), false);
    }));
});

describe("[D2] nonces over REST", () => {
  it("are remembered for the time that a test sets", () =>
    withSimulator(async (sim, { channels }) => {
      const path = `/channels/${channels.general.id}/messages`;
      const post = () => ask(sim, "POST", path, say("x", { nonce: "n", enforce_nonce: true }));
      const first = await post();
      assert.equal(idOf(await post()), idOf(first));
      sim.world.nonces.windowMs = 0;
      assert.notEqual(idOf(await post()), idOf(first));
    }, NO_LIMITS));

  const post = (sim: Simulator, { channels }: DemoWorld, nonce: string, where = channels.general) =>
    ask(sim, "POST", `/channels/${where.id}/messages`, say("once", { nonce, enforce_nonce: true }));

  it("creates once for repeated requests, and counts the attempts", () =>
    withSimulator(async (sim, demo) => {
      const first = await post(sim, demo, "n1");
      const second = await post(sim, demo, "n1", demo.channels.help);
      assert.equal(second.status, 200);
      assert.equal(idOf(second), idOf(first));
      assert.equal(sim.posted().length, 1);
      assert.equal(sim.account().creates.get("n1")?.attempts, 2);
      assert.equal(sim.account().creates.get("n1")?.messages.size, 1);
    }));

  it("answers that a deleted message is unknown", () =>
    withSimulator(async (sim, demo) => {
      const first = await post(sim, demo, "n1");
      await ask(sim, "DELETE", `/channels/${demo.channels.general.id}/messages/${idOf(first)}`);
      assert.equal(codeOf(await post(sim, demo, "n1")), "404 10008");
      assert.equal(sim.posted().length, 0);
    }));

  it("forgets after the window", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim, demo) => {
      await post(sim, demo, "n1");
      clock.advance(4_999);
      await post(sim, demo, "n1");
      assert.equal(sim.posted().length, 1);
      clock.advance(1);
      await post(sim, demo, "n1");
      assert.equal(sim.posted().length, 2);
    }, { nonceWindowMs: 5_000, now: clock.now, ...NO_LIMITS });
  });
});

describe("[R4] refused bodies", () => {
  const wrong: readonly [code: string, what: string, body: unknown][] = [
    ["400 50035", "an unknown field", say("x", { contnet: "x" })],
    ["400 50035", "2001 characters", say("x".repeat(2001))],
    ["400 50035", "a nonce of 26 characters", say("x", { nonce: "n".repeat(26) })],
    ["400 50035", "no allowed_mentions", { content: "x" }],
    ["400 50035", "users both parsed and listed", {
      content: "x",
      allowed_mentions: { parse: ["users"], users: ["1"] },
    }],
    ["400 50035", "a reply to nothing", say("x", { message_reference: { message_id: "1" } })],
    ["400 50006", "nothing to show", say("")],
    ["400 50006", "spaces only", say(" \n ")],
    ["400 50109", "broken JSON", "{"],
  ];
  for (const [code, what, body] of wrong) {
    it(`${code} for ${what}`, () =>
      withSimulator(async (sim, { channels }) => {
        const answer = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, body);
        assert.equal(codeOf(answer), code);
        assert.equal(sim.posted().length, 0);
      }));
  }

  it("names the invalid field of the body", () =>
    withSimulator(async (sim, { channels }) => {
      const body = say("x", { allowed_mentions: { parse: ["all"] }, contnet: "x" });
      const answer = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, body);
      const { errors } = Object(answer.body);
      assert.equal(errors.contnet._errors[0].code, "UNKNOWN_FIELD");
      assert.equal(errors.allowed_mentions.parse[0]._errors.length, 1);
    }));

  it("accepts a reply to a missing message with fail_if_not_exists off", () =>
    withSimulator(async (sim, { channels }) => {
      const body = say("x", { message_reference: { message_id: "1", fail_if_not_exists: false } });
      const answer = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, body);
      assert.equal(answer.status, 200);
    }));

  it("accepts JSON by its content type only", () =>
    withSimulator(async (sim, { channels }) => {
      const path = `/channels/${channels.general.id}/messages`;
      const answer = await ask(sim, "POST", path, say("x"), { "Content-Type": "text/plain" });
      assert.equal(codeOf(answer), "400 50035");
      assert.equal(sim.posted().length, 0);
    }));

  it("refuses a form with a field that is not a file of Discord", () =>
    withSimulator(async (sim, { channels }) => {
      const form = new FormData();
      form.append("payload_json", JSON.stringify(say("x")));
      form.append("file", new Blob(["hello"]), "answer.txt");
      const answer = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, form);
      assert.equal(codeOf(answer), "400 50035");
      assert.equal(sim.posted().length, 0);
    }));

  it("accepts files with payload_json, and logs both", () =>
    withSimulator(async (sim, { channels }) => {
      const form = new FormData();
      form.append(
        "payload_json",
        JSON.stringify(say("with a file", {
          attachments: [{ id: 0, description: "all of it" }],
        })),
      );
      form.append("files[0]", new Blob(["hello"], { type: "text/plain" }), "answer.txt");
      const answer = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, form);
      assert.equal(answer.status, 200);
      const [posted] = sim.posted();
      assert.equal(posted?.attachments[0]?.filename, "answer.txt");
      assert.equal(posted?.attachments[0]?.sizeBytes, 5);
      assert.equal(posted?.attachments[0]?.description, "all of it");
      const record = sim.requests.records().at(-1);
      assert.deepEqual(record?.files.map(({ field, filename }) => [field, filename]), [
        ["files[0]", "answer.txt"],
      ]);
      assert.equal(Object(record?.body).content, "with a file");
    }));
});

describe("[G14] attachments", () => {
  it("are downloaded from the simulator, never from Discord", () =>
    withSimulator(async (sim, { channels }) => {
      const bytes = new TextEncoder().encode("krill");
      const attachments = [{ filename: "a b.txt", sizeBytes: 5, bytes }];
      const { id } = sim.say({ as: "ada", in: "#general", text: "look", attachments });
      const { body } = await ask(sim, "GET", `/channels/${channels.general.id}/messages/${id}`);
      const [{ url, proxy_url: proxied }] = Object(body).attachments;
      assert.ok(url.startsWith(`${sim.apiUrl}/`) && proxied === url);
      assert.equal(await (await fetch(url)).text(), "krill");
      const missing = await fetch(`${sim.apiUrl}/attachments/1/1/a`);
      assert.deepEqual([missing.status, await missing.text()], [404, ""]);
      assert.equal(sim.account().invalidRequests.length, 0);
    }));
});

describe("[D3] refused clients", () => {
  const gone = (sim: Simulator, headers: Record<string, string>) =>
    ask(sim, "GET", "/users/@me", undefined, headers);

  it("401 for a wrong token, counted as invalid", () =>
    withSimulator(async (sim) => {
      assert.equal(codeOf(await gone(sim, { Authorization: "Bot wrong" })), "401 0");
      assert.equal(codeOf(await gone(sim, { Authorization: sim.token })), "401 0");
      assert.equal(sim.account().invalidRequests.length, 2);
    }));

  it("403 for a User-Agent in another form than Discord's", () =>
    withSimulator(async (sim) => {
      assert.equal(codeOf(await gone(sim, { "User-Agent": "curl/8" })), "403 40333");
    }));

  it("bans an address after too many invalid requests, with a page instead of JSON", () =>
    withSimulator(async (sim) => {
      for (let n = 0; n < 3; n += 1) await gone(sim, { Authorization: "Bot wrong" });
      const answer = await gone(sim, {});
      assert.equal(answer.status, 429);
      assert.equal(answer.headers.get("retry-after"), "3600");
      assert.equal(answer.headers.get("x-ratelimit-scope"), null);
      assert.match(String(answer.body), /^<!DOCTYPE html>/);
    }, { invalidRequestLimit: 3 }));

  const denied: readonly [string, string, (sim: Simulator, demo: DemoWorld) => Promise<Answer>][] =
    [
      ["404 10003", "an unknown channel", (sim) => ask(sim, "GET", "/channels/1/messages")],
      [
        "404 10008",
        "an unknown message",
        (sim, { channels }) => ask(sim, "GET", `/channels/${channels.general.id}/messages/1`),
      ],
      ["404 10004", "an unknown guild", (sim) => ask(sim, "GET", "/guilds/1")],
      ["403 50001", "a channel it may not see", (sim, { world, krill }) => {
        const overwrites = privateTo(krill);
        const channel = addChannel(world, krill, { name: "secret", overwrites }, Date.now());
        return ask(sim, "GET", `/channels/${channel.id}/messages`);
      }],
      ["403 50013", "a channel it may not write in", (sim, { world, krill }) => {
        const deny = 1n << 11n;
        const overwrites = [{ kind: "role" as const, id: krill.everyoneRoleId, allow: 0n, deny }];
        const channel = addChannel(world, krill, { name: "rules", overwrites }, Date.now());
        return ask(sim, "POST", `/channels/${channel.id}/messages`, say("hi"));
      }],
      ["403 50007", "a person who accepts no direct messages", async (sim, { world }) => {
        const shy = addUser(world, { username: "shy", acceptsDms: false }, Date.now());
        const opened = await ask(sim, "POST", "/users/@me/channels", { recipient_id: shy.id });
        return ask(sim, "POST", `/channels/${idOf(opened)}/messages`, say("hi"));
      }],
      ["403 50005", "another's message", (sim, { channels }) => {
        const { id } = sim.say({ as: "ada", in: "#general", text: "mine" });
        return ask(sim, "PATCH", `/channels/${channels.general.id}/messages/${id}`, say("yours"));
      }],
      ["400 10014", "an emoji that is none", (sim, { channels }) => {
        const { id } = sim.say({ as: "ada", in: "#general", text: "look" });
        return ask(sim, "PUT", `/channels/${channels.general.id}/messages/${id}/reactions/x/@me`);
      }],
      ["404 0", "a route that does not exist", (sim) => ask(sim, "GET", "/nowhere")],
    ];
  for (const [code, what, request] of denied) {
    it(`${code} for ${what}`, () =>
      withSimulator(async (sim, demo) => assert.equal(codeOf(await request(sim, demo)), code)));
  }

  it("reads an empty history without the permission, and gives no error", () =>
    withSimulator(async (sim, { world, krill }) => {
      const deny = 1n << 16n;
      const overwrites = [{ kind: "role" as const, id: krill.everyoneRoleId, allow: 0n, deny }];
      const channel = addChannel(world, krill, { name: "now", overwrites }, Date.now());
      sim.say({ as: "ada", in: channel.id, text: "gone" });
      const answer = await ask(sim, "GET", `/channels/${channel.id}/messages`);
      assert.deepEqual([answer.status, answer.body], [200, []]);
    }));
});

describe("[D3] rate limits", () => {
  it("refuses the sixth message of a channel in five seconds, with Discord's headers", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim, { channels }) => {
      const post = (where = channels.general) =>
        ask(sim, "POST", `/channels/${where.id}/messages`, say("x"));
      for (let left = 4; left >= 0; left -= 1) {
        const { status, headers } = await post();
        assert.equal(status, 200);
        assert.equal(headers.get("x-ratelimit-remaining"), String(left));
      }
      clock.advance(1_500);
      const { status, headers, body } = await post();
      assert.equal(status, 429);
      assert.deepEqual(body, {
        message: "You are being rate limited.",
        retry_after: 3.5,
        global: false,
      });
      assert.equal(headers.get("retry-after"), "4");
      assert.equal(headers.get("x-ratelimit-scope"), "user");
      assert.equal((await post(channels.help)).status, 200);
      clock.advance(3_500);
      assert.equal((await post()).status, 200);
      assert.equal(sim.posted("#general").length, 6);
      assert.equal(sim.account().rateLimited, 1);
      assert.equal(sim.account().invalidRequests.length, 1);
    }, { now: clock.now });
  });

  it("passes at most 50 requests in a second", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const ask50 = await Promise.all(
        Array.from({ length: 51 }, () => ask(sim, "GET", "/users/@me")),
      );
      const refused = ask50.filter(({ status }) => status === 429);
      assert.equal(refused.length, 1);
      assert.equal(refused[0]?.headers.get("x-ratelimit-global"), "true");
      assert.equal(Object(refused[0]?.body).global, true);
    }, { now: clock.now, rateLimits: { other: { requests: 100, windowMs: 1_000 } } });
  });
});

describe("[D6] REST faults", () => {
  const ROUTE = "/channels/:id/messages";
  const body = say("hello", { nonce: "n1", enforce_nonce: true });

  /** The client's result of one create under a fault, and the number of messages afterwards. */
  async function create(
    fault: RestFault,
  ): Promise<readonly [seen: number | "nothing", made: number]> {
    let result: readonly [number | "nothing", number] = ["nothing", 0];
    await withSimulator(async (sim, { channels }) => {
      const rule = sim.faults.rest.add({ method: "POST", route: ROUTE, times: 1, fault });
      const abort = new AbortController();
      const asked = fetch(`${sim.apiUrl}/api/v10/channels/${channels.general.id}/messages`, {
        method: "POST",
        headers: {
          "User-Agent": AGENT,
          "Authorization": `Bot ${sim.token}`,
          "Content-Type": "application/json",
        },
        body: JSON.stringify(body),
        signal: abort.signal,
      }).then(async (response) => {
        await response.json();
        return response.status;
      }).catch(() => "nothing" as const);
      await sim.until(() => rule.hits() === 1 || undefined, soon());
      if (fault.kind === "swallow") await sim.until(() => sim.posted()[0], soon());
      if (fault.kind === "hang" || fault.kind === "swallow") abort.abort();
      result = [await asked, sim.posted().length];
      const again = await ask(sim, "POST", `/channels/${channels.general.id}/messages`, body);
      assert.equal(again.status, 200); // once only, and the nonce works
      assert.equal(sim.posted().length, 1);
    });
    return result;
  }

  const faults: readonly [RestFault, seen: number | "nothing", made: number][] = [
    [{ kind: "status", status: 503 }, 503, 0],
    [{ kind: "rate_limit", retryAfterSec: 0.3, scope: "shared" }, 429, 0],
    [{ kind: "html", status: 502 }, "nothing", 0],
    [{ kind: "cloudflare", retryAfterSec: 30 }, "nothing", 0],
    [{ kind: "hang" }, "nothing", 0],
    [{ kind: "reset" }, "nothing", 0],
    [{ kind: "delay", ms: 20 }, 200, 1],
    [{ kind: "slow_body", bytesPerSec: 100_000 }, 200, 1],
    [{ kind: "swallow" }, "nothing", 1],
    [{ kind: "reset_after" }, "nothing", 1],
    [{ kind: "cut_body" }, "nothing", 1],
    [{ kind: "garbage" }, "nothing", 1],
  ];
  for (const [fault, seen, made] of faults) {
    it(`${fault.kind}: the client sees ${seen}, ${made} made, and the next attempt settles it`, async () => {
      assert.deepEqual(await create(fault), [seen, made]);
    });
  }

  it("apply only to the requests of their rule", () =>
    withSimulator(async (sim) => {
      const fault = { kind: "status", status: 500 } as const;
      const rule = sim.faults.rest.add({ method: "POST", fault });
      assert.equal((await ask(sim, "GET", "/users/@me")).status, 200);
      assert.equal((await ask(sim, "POST", "/users/@me/channels", {})).status, 500);
      rule.remove();
      assert.equal((await ask(sim, "POST", "/users/@me/channels", {})).status, 400);
      assert.equal(rule.hits(), 1);
    }));
});
