/**
 * Creates the dashboard of a running bot: an HTTP application without a socket (O6).
 *
 * The document and its files are public and have no data. All data come with the token of a session,
 * as HTML that the pages render. There are no cookies.
 */

import { createHash } from "node:crypto";
import type { Context, Handler } from "hono";
import { z } from "zod";
import { bearerOf } from "../../http/app.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Served } from "../../cli/run/served_parts.ts";
import { createGuardedApp, type DashboardRoute } from "./guarded_app.ts";
import { createDashboardLogins } from "./logins.ts";
import { pageNamed, PAGES } from "./pages/table.ts";
import { shell } from "./shell.tsx";
import { TEXTS } from "./texts.js";

/** By name. The demo's page has the same look and icon. */
const EMBEDDED: ReadonlyMap<string, {
  readonly type: "text/css" | "text/javascript" | "image/svg+xml";
  readonly text: string;
}> = new Map([
  ["page.css", { type: "text/css", text: TEXTS.look + TEXTS.css }],
  ["page.js", { type: "text/javascript", text: TEXTS.script }],
  ["icon.svg", { type: "image/svg+xml", text: TEXTS.icon }],
]);

const loginSchema = z.strictObject({ token: z.string().max(100) });
const changeBody = z.strictObject({ code: z.string().trim().min(1).max(40) });

/**
 * Creates the dashboard.
 *
 * @param publicUrl `http.publicUrl`.
 */
export function createDashboard(served: Served, publicUrl?: string) {
  const { bot, logging: { clean, forPart } } = served;
  const log = forPart("http");
  const logins = createDashboardLogins(() => secretsOf(served.setup));
  const document = shell();

  const handlers: Readonly<Record<DashboardRoute, Handler>> = {
    // Documents have relative links, so all are at one depth below the path of any proxy.
    shell: (c) => c.redirect(`dashboard/${PAGES[0]?.path}`),
    shellOfPage: (c) =>
      pageNamed(c.req.param("page") ?? "") ? c.html(document) : c.text("Nothing here", 404),
    asset: answerAsset,
    async login(c) {
      const { data } = loginSchema.safeParse(await c.req.json().catch(() => undefined));
      if (!data) return c.text("This page makes no such request", 400);
      const token = logins.login(data.token);
      if (token === undefined) {
        const why = "This link is used or older than five minutes; run `barnacle dashboard` again";
        return c.text(why, 401);
      }
      log.info("A browser has logged in to the dashboard");
      return c.json({ token });
    },
    logout(c) {
      logins.logout(bearerOf(c.req.raw.headers) ?? "");
      return c.body(null, 204);
    },
    async page(c) {
      const page = pageNamed(c.req.param("page") ?? "");
      if (!page) return c.text("There is no such page", 404);
      const headers = { ETag: versionOf(served) };
      if (c.req.header("if-none-match") === headers.ETag) return c.body(null, 304, headers);
      const render = await page.open();
      const html = (await render(served, new URL(c.req.url).searchParams)).toString();
      bot.pageMade();
      return c.html(cleanMarkup(html, clean), 200, headers);
    },
    async change(c) {
      const { CHANGES, RefusedChange } = await import("./base/changes.ts");
      const change = CHANGES.find(({ name }) => name === c.req.param("change"));
      if (!change) return c.text("There is no such change", 404);
      const { data, error } = changeBody.safeParse(await c.req.json().catch(() => ({})));
      if (error) return c.text("The request has no code", 422);
      try {
        const text = clean(await change.run(served, data.code));
        bot.pageMade();
        log.info("The dashboard has changed something", { change: change.name });
        return c.json({ text });
      } catch (error) {
        if (error instanceof RefusedChange) return c.text(clean(error.message), 422);
        throw error;
      }
    },
  };

  const app = createGuardedApp({ isSession: logins.lasts, handlers, log, publicUrl });

  return {
    fetch: (request: Request): Response | Promise<Response> => app.fetch(request),
    /** Makes the token of a login link, which works once, for five minutes. */
    createLink: logins.createLink,
  };
}

export type Dashboard = ReturnType<typeof createDashboard>;

function secretsOf({ accounts, config: { http } }: Served["setup"]): string {
  return [...accounts.values()].map(({ token }) => token).join() + http.token?.reveal();
}

function answerAsset(c: Context): Response {
  const file = EMBEDDED.get(c.req.param("name") ?? "");
  if (!file) return c.text("Nothing here", 404);
  return c.body(file.text, 200, { "Content-Type": `${file.type}; charset=utf-8` });
}

/** Differs once the store or the bot's connections have changed: an entity tag of HTTP. */
function versionOf({ store, bot }: Served): string {
  const { phase, accounts, config } = bot.snapshot();
  const states = accounts.map(({ state, connection }) => [state, connection?.state]);
  const facts = JSON.stringify([store.writes(), phase, states, config?.revision, config?.problem]);
  return `"${createHash("sha256").update(facts).digest("base64url")}"`;
}

/** Texts, and values of attributes that people read or follow. */
const READ_PARTS =
  /(?<=>)[^<]+|(?<=\s(?:title|value|href|placeholder|alt|aria-label|data-[\w-]+)=")[^"]*/g;

/** Characters of foreign texts that reverse the text after them, or show nothing at all. */
const MISLEADING = /[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Removes secrets from the texts of HTML, and from values that people read. A short secret may also be
 * a word of the markup, which stays. No text of another person reverses ours.
 */
export function cleanMarkup(html: string, clean: (text: string) => string): string {
  return html.replace(
    READ_PARTS,
    (text: string, at: number) =>
      html[at - 1] === ">" ? clean(text).replace(MISLEADING, printable) : clean(text),
  );
}
