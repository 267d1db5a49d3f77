/**
 * Answers the requests of the dashboard beside those of health, while `http.dashboard` is on (O6).
 *
 * The dashboard is loaded with the first request for it, or with the first login link. While it is
 * off, a request costs the comparison of a path.
 */

import type { Served, ServedPart } from "../../cli/run/served_parts.ts";
import type { DashboardLink } from "../../bot.ts";
import type { Dashboard } from "./dashboard.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";

const PATH = /^https?:\/\/[^/]+\/dashboard(?:[/?#]|$)/;

/** Creates it; loads nothing. */
export function serveDashboard(options: Served): ServedPart {
  const { bot, store, base } = options;
  const served = { ...options };
  const { publicUrl } = options.setup.config.http;
  let loading: Promise<Dashboard> | undefined;
  const isOn = () => served.setup.config.http.dashboard;

  async function load(): Promise<Dashboard> {
    const [{ createDashboard }, { askedStore, createCallHandler, readMethodAnswer, toRequest }] =
      await Promise.all([import("./dashboard.ts"), import("../../cli/shared/store_methods.ts")]);
    const call = createCallHandler(store, bot.changedByCommand);
    served.store = askedStore(
      store,
      async (name, args) => readMethodAnswer(await call(toRequest(name, args))),
    );
    return createDashboard(served, publicUrl);
  }

  async function link(): Promise<DashboardLink> {
    if (!isOn()) return { kind: "off" };
    const dashboard = await (loading ??= load());
    const { LINK_MS } = await import("./logins.ts");
    return {
      kind: "link",
      url: `${publicUrl ?? base()}/dashboard#${dashboard.createLink()}`,
      validSec: LINK_MS / 1_000,
    };
  }

  /**
   * Makes a login link. If the dashboard is off, it first reads the config again, which may be newer.
   *
   * @throws {StartError} If the dashboard is off.
   */
  async function login() {
    if (!isOn()) await options.reload();
    const made = await link();
    if (made.kind === "link") return made;
    throw new StartError(
      "the dashboard is off; run `barnacle config set http.dashboard true`, which applies at once",
      EXIT.config,
    );
  }

  return {
    answer(request) {
      if (!isOn() || !PATH.test(request.url)) return undefined;
      return (loading ??= load()).then((dashboard) => dashboard.fetch(request));
    },
    applied(next) {
      served.setup = next;
      if (!isOn()) loading = undefined; // sessions end
    },
    link,
    methods: { "dashboard.login": login },
  };
}
