// The worker: draws and sorts, so that the page stays responsive with a million events.
import type { Request } from "./messages";
import { Plotter, transfers } from "./plotter";

const plotter = new Plotter();
const scope = self as unknown as Worker;

scope.onmessage = ({ data }: MessageEvent<Request>) => {
  const answer = plotter.answer(data);
  if (answer) scope.postMessage(answer, transfers(answer));
};
