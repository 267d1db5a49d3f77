/**
 * Starts the servers of all route tables over real sockets: health, dashboard, hooks, the listener of
 * a sign-in, and the demo's page. Their handlers are the bot's; the parts behind them note what
 * reached them.
 */

import { after } from "node:test";
import { createPage } from "../../../simulator/page/page.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import { createDashboard } from "../../../src/features/dashboard/dashboard.ts";
import { guardPage } from "../../../src/features/demo/page_server.ts";
import { startHttpServer } from "../../../src/host/http_server.ts";
import { listenForCallback } from "../../../src/host/sign_in_callback.ts";
import type { Setup } from "../../../src/bot.ts";
import type { Served } from "../../../src/cli/run/served_parts.ts";
import type { NewHookEvent } from "../../../src/core/hooks/hook.ts";
import { createHookReceiver, HOOK_ROUTES } from "../../../src/features/hooks/receiver.ts";
import { withServed } from "../../features/dashboard/parts_fixture.ts";
import { appOf } from "../bot/health.ts";
import { Secret } from "../../../src/config/schema/parts/secrets.ts";
import { recordingLog } from "../recording_log.ts";

/** The servers, by the table of their routes. */
export type ServerName = "health" | "dashboard" | "hooks" | "callback" | "demo";

export interface RouteServer {
  readonly port: number;
  readonly secret: string;
  /** The token of a new login link; only of the dashboard. */
  createLink(): string;
  /** A person, a place and a message with a file; only of the demo. */
  readonly scene?: PageScene;
  /** Things that requests have done: stored events, changes. */
  done(): readonly string[];
  /** Errors that the server logged. */
  faults(): readonly unknown[];
}

/** What the acts of a person on the demo's page name. */
export interface PageScene {
  readonly as: string;
  readonly channel: string;
  readonly message: string;
  readonly file: string;
}

/** Short, so that a slow client is soon cut off. */
const BOUNDS = { headersMs: 1_000, requestMs: 400, keepAliveMs: 400, closeMs: 200 };

const SECRET = "a-secret-of-more-than-thirty-two-characters";

type Handler = Parameters<typeof startHttpServer>[1];

async function served(
  handler: Handler,
  bounds: object,
  server: Omit<RouteServer, "port" | "secret">,
  secret: string,
  test: (server: RouteServer) => Promise<void>,
): Promise<void> {
  const { port, close } = await startHttpServer(
    { bind: ["127.0.0.1"], port: 0, isOpen: true, bounds: { ...BOUNDS, ...bounds } },
    handler,
  );
  try {
    await test({ ...server, port, secret });
  } finally {
    await close();
  }
}

const noLink = () => "";

type Start = (test: (server: RouteServer) => Promise<void>) => Promise<void>;

const withHealth: Start = (test) => {
  const faults: unknown[] = [];
  const app = appOf({ http: { token: new Secret(SECRET) }, commandKey: "k".repeat(64), faults });
  const server = { createLink: noLink, done: () => [], faults: () => faults };
  return served(app, {}, server, SECRET, test);
};

const withDashboard: Start = (test) =>
  withServed(async (process, { lines }) => {
    const dashboard = createDashboard(process);
    const { token } = await (await dashboard.fetch(
      new Request("http://127.0.0.1/dashboard/login", {
        method: "POST",
        headers: { host: "127.0.0.1", "content-type": "application/json" },
        body: JSON.stringify({ token: dashboard.createLink() }),
      }),
    )).json();
    const texts = (level: string) => lines.filter((line) => line.level === level);
    const server = {
      createLink: () => dashboard.createLink(),
      done: () => texts("info").map(({ event }) => event).slice(1),
      faults: () => texts("error"),
    };
    await served((request) => dashboard.fetch(request), {}, server, token, test);
  });

const withHooks: Start = (test) => {
  const { log, lines } = recordingLog();
  const events: string[] = [];
  const rules = { to: "user:1", scheme: "bearer", model: true, tools: [], perMinute: 6 };
  const config = {
    accounts: [{ accountId: "default", enabled: true }],
    hooks: { one: { ...rules, secret: { reveal: () => SECRET } } },
  };
  const running = {
    bot: { hookRequested() {}, wake() {} },
    store: {
      hooks: {
        accept({ hook }: NewHookEvent) {
          events.push(hook);
          return Promise.resolve({ messageId: "5", isRepeated: false });
        },
      },
    },
    logging: { forPart: () => log },
  };
  const receive = createHookReceiver(
    running as unknown as Served,
    () => ({ config }) as unknown as Setup,
  );
  const bounds = { maxBodyBytes: HOOK_ROUTES[0].maxBodyBytes, answersLarge: true };
  const server = { createLink: noLink, done: () => events, faults: () => lines };
  return served(receive, bounds, server, SECRET, test);
};

const withCallback: Start = async (test) => {
  const answers: string[] = [];
  const callback = await listenForCallback(0, BOUNDS);
  const waiting = callback.wait((answer) => {
    const isOurs = answer.get("state") === SECRET;
    if (isOurs) answers.push("answer");
    return isOurs;
  }, 600_000);
  try {
    const port = Number(new URL(callback.url).port);
    await test({ port, secret: SECRET, createLink: noLink, done: () => answers, faults: () => [] });
  } finally {
    callback.close();
    await waiting;
  }
};

let simulation: Promise<Simulator> | undefined;

after(async () => await (await simulation)?.close()); // of the file

/** One world serves all tests. */
const withDemo: Start = async (test) => {
  simulation ??= startSimulator();
  const simulator = await simulation;
  const events: string[] = [];
  const faults: unknown[] = [];
  const page = createPage({
    simulator,
    panel: {
      bot: () => "online",
      judged: () => [],
      subscribe: () => () => {},
      kill: () => void events.push("kill"),
    },
    prompts: [],
    onError: (error) => void faults.push(error),
  });
  const { id: channel } = simulator.channel("#general", "grace");
  const bytes = new TextEncoder().encode("tea at five");
  const message = simulator.say({
    as: "grace",
    in: "#general",
    text: "the plan",
    attachments: [{ filename: "plan.txt", sizeBytes: bytes.length, bytes }],
  });
  const stop = simulator.subscribe(({ kind }) => events.push(kind));
  const [file] = message.attachments;
  const server = {
    createLink: noLink,
    scene: {
      as: message.author.kind === "user" ? message.author.userId : "",
      channel,
      message: message.id,
      file: `/files/${channel}/${file?.id}/plan.txt`,
    },
    done: () => events,
    faults: () => faults,
  };
  const guarded = guardPage(page.fetch);
  try {
    await served(guarded, {}, server, SECRET, test);
  } finally {
    stop();
    page.close();
  }
};

export const START: Readonly<Record<ServerName, Start>> = {
  health: withHealth,
  dashboard: withDashboard,
  hooks: withHooks,
  callback: withCallback,
  demo: withDemo,
};
