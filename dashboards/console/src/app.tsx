import type { ComponentChild } from "preact";
import { useEffect } from "preact/hooks";

import { RequestError } from "./api.ts";
import { ErrorBox } from "./components/notices.tsx";
import { Shell } from "./components/shell.tsx";
import { t } from "./i18n/language.ts";
import { startLive } from "./live.ts";
import { AlarmHealthPage } from "./pages/alarm-health.tsx";
import { AlarmPage } from "./pages/alarm.tsx";
import { AlarmsPage } from "./pages/alarms.tsx";
import { CamerasPage } from "./pages/cameras.tsx";
import { FindingPage } from "./pages/finding.tsx";
import { GatewayPage } from "./pages/gateway.tsx";
import { MePage } from "./pages/me.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SignInPage } from "./pages/sign-in.tsx";
import { ZonePage } from "./pages/zone.tsx";
import { currentLocation, linkTo } from "./router.ts";
import { loadOverview, loadSession, overviewError, session } from "./store.ts";

const retryMs = 3000;

export function App(): ComponentChild {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const attempt = (): void => {
      loadSession().catch((error: unknown) => {
        overviewError.value = error instanceof RequestError ? error : null;
        timer = setTimeout(attempt, retryMs);
      });
    };
    attempt();
    return () => {
      clearTimeout(timer);
    };
  }, []);
  if (session.value === null) return <SignInPage />;
  if (session.value === undefined) {
    return overviewError.value === null ? null : (
      <main class="centre">
        <ErrorBox error={overviewError.value} />
      </main>
    );
  }
  return <SignedIn key={session.value.userId} />;
}

function SignedIn(): ComponentChild {
  useEffect(() => {
    void loadOverview();
    return startLive();
  }, []);
  return (
    <Shell>
      <Page />
    </Shell>
  );
}

function Page(): ComponentChild {
  const { path } = currentLocation.value;
  const [first, second, third, fourth] = path;
  if (first === undefined) return <OverviewPage />;
  if (first === "site" && second !== undefined && third === "zone" && fourth !== undefined) {
    return <ZonePage key={path.join("/")} siteId={second} zoneId={fourth} />;
  }
  if (first === "alarms" && second === undefined) return <AlarmsPage />;
  if (first === "alarms" && second !== undefined) return <AlarmPage key={second} alarmId={second} />;
  if (first === "alarm-health") return <AlarmHealthPage />;
  if (first === "cameras") return <CamerasPage />;
  if (first === "findings" && second !== undefined) return <FindingPage key={second} findingId={second} />;
  if (first === "gateway" && second !== undefined) return <GatewayPage key={second} gatewayId={second} />;
  if (first === "me") return <MePage />;
  return (
    <div class="notice">
      <h1>{t("app.unknownPage")}</h1>
      <a class="button" href={linkTo([])}>
        {t("app.toOverview")}
      </a>
    </div>
  );
}
