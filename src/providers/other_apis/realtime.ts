/** Opens connections of OpenAI's Realtime protocol, by which a model hears and speaks (V6). */

import { endpointOf, modelIdOf, type ModelSettings, secretsOf } from "../settings.ts";
import { type StartTimer } from "../../lib/clock.ts";
import { isRecord } from "../../lib/text/quoted.ts";

export type RealtimeEvent = Readonly<Record<string, unknown>>;

export interface RealtimeSocket {
  /** Sends an event, or keeps it until the connection is open. */
  send(event: RealtimeEvent): void;
  close(): void;
}

export type RealtimeServer = ReturnType<typeof createRealtimeServer>;

const OPEN_MS = 10_000;
/** Maximum events that wait for it, some seconds of sound, and bytes that the network may owe. */
const WAITING_MAX = 500;
const OWED_BYTES = 2_000_000;
const EVENT_CHARS = 4_000_000;

export function createRealtimeServer(
  settings: ModelSettings,
  { voice, hears, schedule }: {
    readonly voice: string;
    /** Name of the server's model that writes the words of people down. */
    readonly hears: string;
    readonly schedule: StartTimer;
  },
) {
  const { name, provider, price } = settings;
  const { apiKey, headers = {} } = provider;
  const own = URL.parse(provider.baseUrl)?.searchParams ?? new URLSearchParams();
  const query = new URLSearchParams([...own, ["model", name]]);
  const url = `${endpointOf(provider).replace(/^http/, "ws")}/realtime?${query}`;
  const secrets = secretsOf(provider);
  const withoutSecrets = (text: string) =>
    secrets.reduce((left, secret) => left.replaceAll(secret, "…"), text);
  const options = {
    headers: { ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }), ...headers },
  };
  return {
    modelId: modelIdOf(settings),
    voice,
    hears,
    price,
    /** Opens a connection. `ended` is called once, with a reason for the operator. */
    open({ event, ended }: {
      event(event: RealtimeEvent): void;
      ended(reason: string): void;
    }): RealtimeSocket {
      const socket = new WebSocket(url, options as unknown as string[]); // both runtimes take it
      let waiting: string[] | undefined = [];
      let isOver = false;
      const end = (reason: string): void => {
        if (isOver) return;
        isOver = true;
        cancel();
        socket.close();
        ended(withoutSecrets(reason));
      };
      const cancel = schedule(() => waiting && end("it did not open in time"), OPEN_MS);
      socket.onopen = () => {
        for (const one of waiting ?? []) socket.send(one);
        waiting = undefined;
      };
      socket.onmessage = ({ data }) => {
        if (isOver || typeof data !== "string" || data.length > EVENT_CHARS) return;
        try {
          const read: unknown = JSON.parse(withoutSecrets(data));
          if (isRecord(read)) event(read);
        } catch (error) {
          end(error instanceof SyntaxError ? "it sent no JSON" : String(error));
        }
      };
      socket.onerror = () => end("the connection failed");
      socket.onclose = ({ code, reason }) => end(`it closed the connection (${code} ${reason})`);
      return {
        send(one) {
          const text = JSON.stringify(one);
          if (isOver) return;
          if (!waiting) return void (socket.bufferedAmount < OWED_BYTES && socket.send(text));
          if (waiting.length < WAITING_MAX) waiting.push(text);
        },
        close() {
          isOver = true;
          cancel();
          socket.close();
        },
      };
    },
  };
}
