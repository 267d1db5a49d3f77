/**
 * Starts one account: it connects to Discord, and loads its other parts meanwhile.
 *
 * An IDENTIFY needs a third of the program. The code of turns, tools and commands takes longer to
 * load than Discord takes to answer, and a bot that restarts should be back soon. So this code is
 * loaded once the IDENTIFY has left. Events wait until it is there.
 */

import { schedule } from "../../lib/clock.ts";
import type { AccountOptions, AccountPorts, RunningAccount } from "../account_interface.ts";
import { createGatewayParts, type GatewayParts } from "./gateway_parts.ts";

/** The code of an account's other parts. */
export type LoadRest = () => Promise<Pick<typeof import("./running.ts"), "runAccount">>;

/**
 * Milliseconds that connecting gets before other code is loaded. A connection over the internet takes
 * longer, so the processor would only wait.
 */
const HEAD_START_MS = 100;

/**
 * Starts an account. A fault that passes by itself does not fail the start.
 *
 * @param loadRest Loads the other parts; a test may fail here.
 * @throws {unknown} If they cannot be loaded or created; the connection has ended then.
 */
export async function startAccount(
  options: AccountOptions,
  ports: AccountPorts,
  loadRest: LoadRest = () => import("./running.ts"),
): Promise<RunningAccount> {
  const gateway = await createGatewayParts(options, ports);
  const { store, config: { discord: { accountId } } } = options;
  // A RESUME may bring a press at once, and only the gateway's thread can open a form then.
  gateway.connection.setForms(await store.questions.openForms(accountId, ports.now()));
  gateway.connection.start(async () => (await gateway.reader()).isComplete);
  try {
    await headStart(gateway);
    const [{ runAccount }, toolServices] = await Promise.all([loadRest(), options.toolServices()]);
    return await runAccount(gateway, options, toolServices, ports);
  } catch (error) {
    gateway.stopping.abort();
    gateway.client.stop();
    await gateway.connection.stop();
    throw error;
  }
}

/** Waits until the connection leaves the processor idle, or some time at most. */
async function headStart({ connection }: GatewayParts): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const cancel = schedule(resolve, HEAD_START_MS);
  await Promise.race([connection.waiting, late]);
  cancel();
  await new Promise((resolve) => setTimeout(resolve)); // messages to the gateway thread leave first
}
