/** A scene about the dashboard: a browser logs in over HTTP, reads a page, and follows another one. */

import { setTimeout as sleep } from "node:timers/promises";
import { requestLink } from "../../dashboard/exports.ts";
import { demoConfig } from "../simulation/simulation.ts";
import type { Scene } from "./scene.ts";

/** How often the page is read until the bot is healthy, and the milliseconds in between. */
const TRIES = 40;
const AGAIN_MS = 500;

const followed: Scene = {
  name: "the dashboard: a link logs in once, a page shows the bot, and another one follows it",
  config: { ...demoConfig(), http: { port: 0, dashboard: true } },
  async play({ simulation, bot, ask, say, until, untilReplies, verdictOn, assert }) {
    const question = ask("grace", "#general", "what is the owner to see?");
    await untilReplies(1, "#general");
    await verdictOn(question);
    await until(
      "the bot to take commands",
      () => bot.lines.find((line) => line.includes("Barnacle is running")),
    );

    const { origin, hash } = new URL((await requestLink(simulation.dataDir)).url);
    const send = (path: string, token?: string, body?: object) =>
      fetch(`${origin}/dashboard${path}`, {
        method: body ? "POST" : "GET",
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body && JSON.stringify(body),
      });
    const document = await send("");
    const text = await document.text();
    assert("the document needs no login", document.status === 200, document.status);
    assert("it has no data", !text.includes("grace"), text);
    const refused = await send("/pages/today");
    await refused.body?.cancel();
    assert("a page needs one", refused.status === 401, refused.status);

    const login = { token: hash.slice(1) };
    const { token } = await (await send("/login", undefined, login)).json();
    const again = await send("/login", undefined, login);
    await again.body?.cancel();
    assert("the link logs in once", again.status === 401, again.status);
    let now = "";
    // A slow machine is impaired in its first seconds, and the page says so.
    for (let tries = 0; tries < TRIES && !now.includes("Healthy"); tries++) {
      if (tries > 0) await sleep(AGAIN_MS);
      now = await (await send("/pages/today", token)).text();
    }
    assert("the page Today shows the bot's state", now.includes("Healthy"), now);
    assert("and the question", now.includes(question.id), now);

    const live = await send("/live/activity", token);
    const lines = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    const ignored = say("grace", "#general", "nobody asked");
    let read = "";
    for (;;) {
      const { value, done } = await lines?.read() ?? { value: undefined, done: true };
      read += value ?? "";
      if (done || read.includes(ignored.id)) break;
    }
    await lines?.cancel();
    assert("the page Activity shows the next message by itself", read.includes(ignored.id), read);
  },
};

export const DASHBOARD_SCENES: readonly Scene[] = [followed];
