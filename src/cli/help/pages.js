// deno-fmt-ignore-file
// Generated: deno run -A scripts/reference/commands.ts
import p0 from "../../../docs/access.md" with { type: "text" };
import p1 from "../../../docs/agent.md" with { type: "text" };
import p2 from "../../../docs/backup.md" with { type: "text" };
import p3 from "../../../docs/coming-from-openclaw.md" with { type: "text" };
import p4 from "../../../docs/commands.md" with { type: "text" };
import p5 from "../../../docs/configuration.md" with { type: "text" };
import p6 from "../../../docs/configuration/access.md" with { type: "text" };
import p7 from "../../../docs/configuration/agents.md" with { type: "text" };
import p8 from "../../../docs/configuration/connection.md" with { type: "text" };
import p9 from "../../../docs/configuration/models.md" with { type: "text" };
import p10 from "../../../docs/configuration/operating.md" with { type: "text" };
import p11 from "../../../docs/configuration/replies.md" with { type: "text" };
import p12 from "../../../docs/connection.md" with { type: "text" };
import p13 from "../../../docs/dashboard.md" with { type: "text" };
import p14 from "../../../docs/delivery.md" with { type: "text" };
import p15 from "../../../docs/getting-started.md" with { type: "text" };
import p16 from "../../../docs/hooks.md" with { type: "text" };
import p17 from "../../../docs/how-do-i.md" with { type: "text" };
import p18 from "../../../docs/internals/architecture.md" with { type: "text" };
import p19 from "../../../docs/internals/glossary.md" with { type: "text" };
import p20 from "../../../docs/internals/measurements.md" with { type: "text" };
import p21 from "../../../docs/internals/releases.md" with { type: "text" };
import p22 from "../../../docs/operating.md" with { type: "text" };
import p23 from "../../../docs/privacy.md" with { type: "text" };
import p24 from "../../../docs/reverse-proxy.md" with { type: "text" };
import p25 from "../../../docs/specification.md" with { type: "text" };
import p26 from "../../../docs/specification/access.md" with { type: "text" };
import p27 from "../../../docs/specification/agents.md" with { type: "text" };
import p28 from "../../../docs/specification/approvals.md" with { type: "text" };
import p29 from "../../../docs/specification/commands.md" with { type: "text" };
import p30 from "../../../docs/specification/configuration.md" with { type: "text" };
import p31 from "../../../docs/specification/context.md" with { type: "text" };
import p32 from "../../../docs/specification/delivery.md" with { type: "text" };
import p33 from "../../../docs/specification/gateway.md" with { type: "text" };
import p34 from "../../../docs/specification/hooks.md" with { type: "text" };
import p35 from "../../../docs/specification/intent.md" with { type: "text" };
import p36 from "../../../docs/specification/mentions.md" with { type: "text" };
import p37 from "../../../docs/specification/models.md" with { type: "text" };
import p38 from "../../../docs/specification/operating.md" with { type: "text" };
import p39 from "../../../docs/specification/performance.md" with { type: "text" };
import p40 from "../../../docs/specification/rendering.md" with { type: "text" };
import p41 from "../../../docs/specification/safety.md" with { type: "text" };
import p42 from "../../../docs/specification/security.md" with { type: "text" };
import p43 from "../../../docs/specification/sessions.md" with { type: "text" };
import p44 from "../../../docs/specification/tools.md" with { type: "text" };
import p45 from "../../../docs/specification/voice.md" with { type: "text" };
import p46 from "../../../docs/stability.md" with { type: "text" };
import p47 from "../../../docs/tools.md" with { type: "text" };
import p48 from "../../../docs/troubleshooting.md" with { type: "text" };
import p49 from "../../../docs/upkeep.md" with { type: "text" };
import p50 from "../../../docs/voice.md" with { type: "text" };
/** @type {readonly { readonly path: string; readonly text: string }[]} */
export const PAGES = [
  { path: "access.md", text: p0 },
  { path: "agent.md", text: p1 },
  { path: "backup.md", text: p2 },
  { path: "coming-from-openclaw.md", text: p3 },
  { path: "commands.md", text: p4 },
  { path: "configuration.md", text: p5 },
  { path: "configuration/access.md", text: p6 },
  { path: "configuration/agents.md", text: p7 },
  { path: "configuration/connection.md", text: p8 },
  { path: "configuration/models.md", text: p9 },
  { path: "configuration/operating.md", text: p10 },
  { path: "configuration/replies.md", text: p11 },
  { path: "connection.md", text: p12 },
  { path: "dashboard.md", text: p13 },
  { path: "delivery.md", text: p14 },
  { path: "getting-started.md", text: p15 },
  { path: "hooks.md", text: p16 },
  { path: "how-do-i.md", text: p17 },
  { path: "internals/architecture.md", text: p18 },
  { path: "internals/glossary.md", text: p19 },
  { path: "internals/measurements.md", text: p20 },
  { path: "internals/releases.md", text: p21 },
  { path: "operating.md", text: p22 },
  { path: "privacy.md", text: p23 },
  { path: "reverse-proxy.md", text: p24 },
  { path: "specification.md", text: p25 },
  { path: "specification/access.md", text: p26 },
  { path: "specification/agents.md", text: p27 },
  { path: "specification/approvals.md", text: p28 },
  { path: "specification/commands.md", text: p29 },
  { path: "specification/configuration.md", text: p30 },
  { path: "specification/context.md", text: p31 },
  { path: "specification/delivery.md", text: p32 },
  { path: "specification/gateway.md", text: p33 },
  { path: "specification/hooks.md", text: p34 },
  { path: "specification/intent.md", text: p35 },
  { path: "specification/mentions.md", text: p36 },
  { path: "specification/models.md", text: p37 },
  { path: "specification/operating.md", text: p38 },
  { path: "specification/performance.md", text: p39 },
  { path: "specification/rendering.md", text: p40 },
  { path: "specification/safety.md", text: p41 },
  { path: "specification/security.md", text: p42 },
  { path: "specification/sessions.md", text: p43 },
  { path: "specification/tools.md", text: p44 },
  { path: "specification/voice.md", text: p45 },
  { path: "stability.md", text: p46 },
  { path: "tools.md", text: p47 },
  { path: "troubleshooting.md", text: p48 },
  { path: "upkeep.md", text: p49 },
  { path: "voice.md", text: p50 },
];
