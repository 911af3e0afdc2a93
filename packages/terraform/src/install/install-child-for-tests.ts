// A process of its own that installs, for a test to kill.
import { installTool } from './install-tool.ts';

await installTool('terraform', '1.99.0', JSON.parse(process.argv[2] ?? ''));
