/** Sends spans to a collector, by OTLP over HTTP. Loaded with the first trace. */

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace as api } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { CONVENTIONS, type SpanOfTurn } from "./spans.ts";

/** The collector of spans, and their description of the sender. */
export interface OtlpOptions {
  /** Address of the collector's traces: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Milliseconds for one request. */
const TIMEOUT_MS = 10_000;

/** Maximum number of waiting spans. Without a collector, the oldest ones are dropped. */
const MAX_WAITING = 2_048;

/** Creates the sender. Failures of the collector change nothing but its own data. */
export function createOtlp({ url, headers, version }: OtlpOptions) {
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: TIMEOUT_MS,
    concurrencyLimit: 1,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "barnacle", "service.version": version }),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MAX_WAITING })],
  });
  const tracer = provider.getTracer("barnacle", version, {
    schemaUrl: `https://opentelemetry.io/schemas/${CONVENTIONS}`,
  });

  function begin(span: SpanOfTurn, context = ROOT_CONTEXT) {
    const { name, kind, startedAt, attributes, hasFailed } = span;
    const begun = tracer.startSpan(name, {
      kind: kind === "client" ? SpanKind.CLIENT : SpanKind.INTERNAL,
      startTime: startedAt,
      attributes,
    }, context);
    if (hasFailed) begun.setStatus({ code: SpanStatusCode.ERROR });
    return begun;
  }

  return {
    /** Queues the spans of one turn; the first is the parent of the others. */
    add([root, ...children]: readonly [SpanOfTurn, ...SpanOfTurn[]]): void {
      const parent = begin(root);
      const context = api.setSpan(ROOT_CONTEXT, parent);
      for (const child of children) begin(child, context).end(child.endedAt);
      parent.end(root.endedAt);
    },
    /** Sends the queued spans, and ends. Never rejects. */
    async stop(): Promise<void> {
      await provider.shutdown().catch(() => {}); // a collector that is away must not fail a stop
    },
  };
}

export type Otlp = ReturnType<typeof createOtlp>;
