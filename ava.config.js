export default {
  files: [
    '{contracts,runtime,event-log,operator,dataplane,cdk8s,cli}/**/*.test.ts',
    'test/{*,golden/*}.test.ts',
  ],
  extensions: ['ts'],
  timeout: '30s',
};
