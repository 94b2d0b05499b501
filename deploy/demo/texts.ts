import { demoSpeed, demoTimeline } from "./scenario.ts";

const line = "─".repeat(78);

/** What a newcomer reads once everything runs. */
export function welcome(facts: {
  readonly consoleUrl: string;
  readonly pageUrl: string;
  readonly password: string;
  readonly folder: string;
  /** How long the rooms have been running already. */
  readonly scenarioSeconds: number;
}): string {
  const inSeconds = (at: number): string => {
    const left = at - facts.scenarioSeconds;
    return String(Math.round(left < 0 ? left + demoTimeline.every : left)).padStart(5);
  };
  const { doorLeftOpenAt, unusualObjectAt, fridgeLeftOpenAt, defrostAt } = demoTimeline;
  return `
${line}
  霜明 Frostlight    演示点已就绪 / the demonstration site is up

  ⚠ 全部数据均为模拟 · ALL DATA IS SIMULATED
    冷库是物理模型，时间加快 ${demoSpeed} 倍；报警延时按同一倍数缩短。
    The rooms are a physical model run ${demoSpeed} times faster; alarm delays are shortened alike.

  控制台 console         ${facts.consoleUrl}
  用户   user            admin
  密码   password        ${facts.password}
  网关本地页 local page  ${facts.pageUrl}

  接下来 / what happens, in seconds from now (everything repeats every ${demoTimeline.every / 60} minutes)
    ~${inSeconds(defrostAt)} s  二号冷冻库除霜，不应报警 / frozen store 2 defrosts: must NOT raise an alarm
    ~${inSeconds(doorLeftOpenAt)} s  一号冷冻库门未关 → 约 10-20 秒后报警，再约 30 秒后恢复
           frozen store 1: door left open → alarm 10-20 s later, over some 30 s after that
    ~10-60 s  收货场地有人 → 发现及取证图片 / a person in the closed yard → finding with picture
    ~${inSeconds(unusualObjectAt)} s  备餐间出现异物 → “异常场景” / an object in the prep room → "unusual scene"
    ~${inSeconds(fridgeLeftOpenAt)} s  食堂冰箱门未关 / the canteen fridge is left open

  日志 logs ${facts.folder}        结束 stop: Ctrl-C        重来 start over: npm start -- --fresh
${line}
`;
}
