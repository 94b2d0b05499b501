import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/gateway.css";
import "./styles/alarms.css";
import "./styles/findings.css";
import "./styles/cameras.css";
import { render } from "preact";

import { App } from "./app.tsx";
import { startNow } from "./now.ts";
import { startRouter } from "./router.ts";
import { startAppearance } from "./theme.ts";

startAppearance();
startRouter();
startNow();
const root = document.querySelector("#app");
if (root !== null) render(<App />, root);
