import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import type { Setup } from "../../../src/bot.ts";
import type { Served } from "../../../src/cli/run/served_parts.ts";
import type {
  HookReading,
  HookScheme,
  NewHookEvent,
  StoredHookEvent,
} from "../../../src/core/hooks/hook.ts";
import {
  createHookReceiver,
  type HookResult,
  verifyBody,
  verifyHeaders,
} from "../../../src/features/hooks/receiver.ts";
import { createHookHost } from "../../../src/features/hooks/host.ts";
import { recordingLog } from "../../support/recording_log.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const NOW = 1_614_265_330_000;

const RULES = { to: "user:1", scheme: "bearer", model: true, tools: [], perMinute: 6 } as const;

/** @param rules Of the hook `uptime`; `signed` has those of GitHub. */
function receiverOf(
  rules: HookReading & { readonly scheme?: HookScheme } = {},
  accepts?: () => Promise<undefined>,
  { log, lines } = recordingLog(),
) {
  const events: NewHookEvent[] = [];
  const counts: string[] = [];
  const seen = new Set<string>();
  const wakes: string[] = [];
  const secret = { reveal: () => SECRET };
  const config = {
    accounts: [{ accountId: "default", enabled: true }],
    hooks: {
      uptime: { ...RULES, secret, ...rules },
      signed: { ...RULES, secret, scheme: "github" },
      open: RULES,
    },
  };
  function accept(event: NewHookEvent): Promise<StoredHookEvent> {
    const isRepeated = event.senderId !== undefined && seen.has(event.senderId);
    if (event.senderId !== undefined) seen.add(event.senderId);
    if (!isRepeated) events.push(event);
    return Promise.resolve({ messageId: "5" as never, isRepeated });
  }
  const served = {
    bot: {
      hookRequested: (result: HookResult, hook = "unknown") =>
        void counts.push(`${hook} ${result}`),
      wake: (accountId: string) => void wakes.push(accountId),
    },
    store: { hooks: { accept: accepts ?? accept } },
    logging: { forPart: () => log },
  };
  const receiver = createHookReceiver(
    served as unknown as Served,
    () => ({ config }) as unknown as Setup,
  );
  const send = async (
    {
      path = "/hooks/uptime",
      method = "POST",
      body = "{}",
      headers = {},
      isEndless = false,
      isBroken = false,
    }: {
      readonly path?: string;
      readonly method?: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** Whether the body never ends. */
      readonly isEndless?: boolean;
      /** Whether the sender breaks the body off. */
      readonly isBroken?: boolean;
    },
  ) => {
    const bytes = new TextEncoder().encode(body);
    const all = new Headers({
      "content-type": "application/json",
      authorization: `Bearer ${SECRET}`,
      "content-length": String(bytes.length),
    });
    for (const [name, value] of Object.entries(headers)) {
      if (value === "") all.delete(name);
      else all.set(name, value);
    }
    const stream = new ReadableStream({ start: (one) => isBroken && one.error(new Error("cut")) });
    const content = method === "POST" ? bytes : undefined;
    const request = new Request(`http://127.0.0.1${path}`, {
      ...{ method, headers: all, body: isBroken || isEndless ? stream : content },
    });
    // A runtime's own client may not set it.
    const given = all.get("content-length");
    if (given !== null) Object.defineProperty(request, "headers", { value: all });
    const response = await receiver(request);
    const { status, headers: told } = response;
    return { status, text: (await response.text()).trim(), headers: told };
  };
  return { send, events, counts, lines, wakes, served, config };
}

describe("[W1] the receiver", () => {
  it("stores an event and returns its id", async () => {
    const { send, events, counts, wakes } = receiverOf({ template: "{{ a }}" });
    const { status, text } = await send({ body: '{"a":"b"}' });
    assert.deepEqual([status, text], [202, '{"id":"5"}']);
    assert.deepEqual(events.map(({ text }) => text), ["b"]);
    assert.deepEqual([counts, wakes], [["uptime accepted"], ["default"]]);
  });

  const NONE = "There is no such hook";
  const NO_TOKEN = "The token is missing or wrong: send Authorization: Bearer <secret>";
  const having = (name: string, value = "") => ({ headers: { [name]: value } });
  const long = `[${"1,".repeat(500_000)}1]`;
  const refusals: readonly (readonly [
    what: string,
    request: Parameters<ReturnType<typeof receiverOf>["send"]>[0],
    status: number,
    text: string,
    counted: string,
  ])[] = [
    ["an unknown hook", { path: "/hooks/nope" }, 404, NONE, "unknown"],
    ["a hook without a secret", { path: "/hooks/open" }, 404, NONE, "unknown"],
    ["another path", { path: "/metrics" }, 404, NONE, "unknown"],
    ["a path of more parts", { path: "/hooks/uptime/x" }, 404, NONE, "unknown"],
    ["GET", { method: "GET" }, 405, "Send events by POST", "refused"],
    [
      "a page in a browser",
      having("origin", "https://evil.example"),
      403,
      "Pages in a browser may not send events",
      "refused",
    ],
    [
      "itself",
      having("x-barnacle-hop", "1"),
      508,
      "This request comes from Barnacle itself",
      "loop",
    ],
    ["no length", having("content-length"), 411, "Send the length of the body", "too_large"],
    [
      "10 MB",
      having("content-length", "10000000"),
      413,
      "The body is larger than 1 MiB",
      "too_large",
    ],
    ["no token", having("authorization"), 401, NO_TOKEN, "refused"],
    ["a wrong token", having("authorization", `Bearer ${SECRET}x`), 401, NO_TOKEN, "refused"],
    [
      "gzip",
      having("content-encoding", "gzip"),
      415,
      "Send the body without compression",
      "unreadable",
    ],
    ["invalid JSON", { body: "{" }, 400, "The body is not valid JSON", "unreadable"],
    ["a million keys", { body: long }, 400, "The body has more than 10000 values", "unreadable"],
    ["half a body", { isBroken: true }, 400, "The body ended early", "unreadable"],
  ];
  for (const [what, request, status, text, counted] of refusals) {
    it(`refuses ${what} in one line, without an error`, async () => {
      const { send, events, counts, lines, wakes } = receiverOf();
      const answer = await send(request);
      assert.deepEqual([answer.status, answer.text], [status, text]);
      const hook = counted === "unknown" ? "unknown" : "uptime";
      assert.deepEqual([events, counts, lines, wakes], [[], [`${hook} ${counted}`], [], []]);
    });
  }

  it("asks a sender to wait if too many events wait, or if the disk fails", async () => {
    const full = await receiverOf({}, () => Promise.resolve(undefined)).send({});
    assert.deepEqual([full.status, full.headers.get("retry-after")], [429, "60"]);
    const failed = await receiverOf({}, () => Promise.reject(new Error("disk")))
      .send({});
    assert.deepEqual([failed.status, failed.text], [503, "The event is not stored; send it again"]);
  });

  it("leaves room for senders with a token while others send slowly", async () => {
    const { send } = receiverOf();
    const headers = {
      "content-length": "1048576",
      "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
    };
    const slow = { path: "/hooks/signed", headers, isEndless: true };
    for (let at = 0; at < 6; at++) void send(slow);
    assert.deepEqual([(await send(slow)).status, (await send({})).status], [503, 202]);
  });

  it("leaves out what the hook leaves out", async () => {
    const { send, counts } = receiverOf({ only: { action: ["opened"] } });
    assert.equal((await send({ body: '{"action":"labeled"}' })).status, 200);
    assert.deepEqual(counts, ["uptime left_out"]);
  });
});

describe("[W1] signatures", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const request = (headers: Record<string, string>) =>
    new Request("http://127.0.0.1/hooks/x", { method: "POST", headers });

  it("are those of GitHub's documents", () => {
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const sent = request({ "x-hub-signature-256": signature });
    const secret = "It's a Secret to Everybody";
    assert.equal(verifyHeaders(sent, "github", secret, NOW).kind, "valid");
    assert.deepEqual(verifyBody(sent, "github", secret, bytes("Hello, World!")), {
      kind: "valid",
      deliveryId: signature,
    });
    assert.equal(verifyBody(sent, "github", secret, bytes("Hello, World?")).kind, "refused");
    assert.equal(verifyBody(sent, "github", "another", bytes("Hello, World!")).kind, "refused");
    assert.equal(verifyHeaders(request({}), "github", secret, NOW).kind, "refused");
  });

  const standard = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature":
      "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const BODY = bytes('{"test": 2432232314}');

  it("are those of Standard Webhooks", () => {
    const sent = request(standard);
    assert.equal(verifyHeaders(sent, "standard", KEY, NOW).kind, "valid");
    assert.deepEqual(verifyBody(sent, "standard", KEY, BODY), {
      kind: "valid",
      deliveryId: standard["webhook-id"],
    });
    const forged = request({ ...standard, "webhook-id": "msg_2" });
    assert.equal(verifyBody(forged, "standard", KEY, BODY).kind, "refused");
  });

  for (const seconds of [-301, 301]) {
    it(`of Standard Webhooks are refused with a clock that is off by ${seconds} s`, () => {
      const proof = verifyHeaders(request(standard), "standard", KEY, NOW + seconds * 1_000);
      assert.deepEqual(proof, {
        kind: "refused",
        why: "The signature is too old, or a clock is wrong",
      });
    });
  }

  for (const name of Object.keys(standard)) {
    it(`of Standard Webhooks need ${name}`, () => {
      const { [name as keyof typeof standard]: _, ...rest } = standard;
      assert.deepEqual(verifyHeaders(request(rest), "standard", KEY, NOW), {
        kind: "refused",
        why: "webhook-id, webhook-timestamp or webhook-signature is missing",
      });
    });
  }

  it("[W2] count an equal body as a repeated event, with any delivery header", async () => {
    const { send, events, counts } = receiverOf({ scheme: "github" });
    const body = '{"action":"opened"}';
    const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
    const headers = (delivery: string) => ({
      "x-hub-signature-256": signature,
      "x-github-delivery": delivery,
    });
    assert.equal((await send({ body, headers: headers("1") })).status, 202);
    const again = await send({ body, headers: headers("2") });
    assert.deepEqual([again.status, again.text], [200, '{"id":"5","repeated":true}']);
    assert.deepEqual([events.length, counts], [1, ["uptime accepted", "uptime repeated"]]);
    const ping = await send({ body, headers: { ...headers("3"), "x-github-event": "ping" } });
    assert.deepEqual([ping.status, ping.text], [200, "pong"]);
  });
});

describe("[W1] [W3] the address of hooks", () => {
  const send = (address: string) =>
    fetch(`${address}uptime`, {
      ...{ method: "POST", body: "{}" },
      headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
    });

  function hostOf() {
    const { served, config, lines } = receiverOf();
    const told: (string | undefined)[] = [];
    const setListening = (_: string, why: string | undefined) => void told.push(why);
    /** @param port Of `http.hooks`. */
    const setupOf = (names: readonly string[], port = 0) => {
      const hooks = Object.fromEntries(names.map((name) => [name, config.hooks.uptime]));
      const http = { hooks: { bind: ["127.0.0.1"], port } };
      return { config: { ...config, hooks, http } } as unknown as Setup;
    };
    const bot = { ...served.bot, setListening };
    const host = createHookHost({ ...served, bot, setup: setupOf([]) } as unknown as Served);
    const apply = (...setup: Parameters<typeof setupOf>) => host.applied?.(setupOf(...setup));
    return { host, lines, told, apply };
  }

  it("is open while the config has a hook; another program there is told, once", async () => {
    const { host, lines, told, apply } = hostOf();
    await apply([]);
    assert.deepEqual([lines, told], [[], []]);
    await apply(["uptime"]);
    const address = String(lines[0]?.fields["address"]);
    assert.deepEqual([(await send(address)).status, told], [202, [undefined]]);
    await apply(["another"]);
    assert.deepEqual([(await send(address)).status, lines.length], [404, 1], "it stays open");
    const [other, port] = [hostOf(), Number(new URL(address).port)] as const;
    for (let time = 0; time < 2; time++) {
      await other.apply(["uptime"], port);
    }
    assert.deepEqual(other.lines.map(({ level }) => level), ["error"]);
    assert.match(other.told.join(), /(.+),\1/);
    await apply([]);
    await assert.rejects(send(address));
    await other.apply(["uptime"], port);
    assert.deepEqual([(await send(address)).status, other.told.at(-1)], [202, undefined]);
    await Promise.all([host.close?.(), other.host.close?.()]);
    await assert.rejects(send(address));
  });
});
