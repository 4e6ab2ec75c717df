//! Samples of lock files and manifests, one or more a kind. What is beside a file in a real tree is in [`BESIDE`].

/// Paths and texts.
pub(super) const SAMPLES: &[(&str, &str)] = &[
    ("package-lock.json", NPM),
    ("old/package-lock.json", NPM_OLD),
    ("yarn.lock", YARN),
    ("berry/yarn.lock", BERRY),
    ("pnpm-lock.yaml", PNPM),
    ("old/pnpm-lock.yaml", PNPM_OLD),
    ("bun.lock", BUN),
    ("requirements.txt", REQUIREMENTS),
    ("Pipfile.lock", PIPFILE),
    ("poetry.lock", POETRY),
    ("uv.lock", UV),
    ("pdm.lock", PDM),
    ("pylock.toml", PYLOCK),
    ("go.mod", GO_MOD),
    ("go.sum", GO_SUM),
    ("Cargo.lock", CARGO_LOCK),
    ("Cargo.toml", CARGO_TOML),
    ("composer.lock", COMPOSER),
    ("packages.lock.json", NUGET),
    ("packages.config", "<packages><package id=\"A\" version=\"1.0\" developmentDependency=\"true\"/></packages>"),
    ("Directory.Packages.props", PROPS),
    ("app.deps.json", DEPS),
    ("conan.lock", CONAN),
    ("v1/conan.lock", CONAN_OLD),
    ("gradle.lockfile", "# x\na.b:c:1.0=compileClasspath,testRuntimeClasspath\nempty=annotationProcessor\n"),
    ("build.sbt.lock", SBT),
    ("pom.xml", POM),
    ("Gemfile.lock", BUNDLER),
    ("Podfile.lock", PODS),
    ("Package.resolved", SWIFT),
    ("pubspec.lock", PUB),
    ("mix.lock", MIX),
    ("Manifest.toml", JULIA),
    ("environment.yml", CONDA),
];

/// What stands beside every sample, for those that are read together with it.
pub(super) const BESIDE: &[(&str, &str)] = &[
    (
        "package.json",
        r#"{"name":"app","version":"1.0.0","dependencies":{"a":"^1.0.0"},"devDependencies":{"b":"*"},"workspaces":["w/*"]}"#,
    ),
    ("w/x/package.json", r#"{"name":"x","version":"2.0.0","dependencies":{"a":"^1.0.0"}}"#),
    ("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0","license":"MIT"}"#),
    ("constraints.txt", "a==1.0\nd==4.0\n"),
    (
        "pyproject.toml",
        "[project]\nname = \"app\"\ndependencies = [\"a>=1\"]\n[dependency-groups]\ndev = [\"b\"]\n[tool.poetry.dependencies]\na = \"*\"\n",
    ),
    ("composer.json", r#"{"require":{"a/b":"^1"},"require-dev":{"c/d":"*"}}"#),
    ("Project.toml", "name = \"App\"\n[deps]\nJSON = \"682c06a0\"\n"),
    ("Gemfile", "source 'https://registry.example'\ngem 'a', '~> 1'\ngroup :test do\n  gem 'b'\nend\n"),
    (
        "parent/pom.xml",
        "<project><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><properties><v>2.0</v></properties></project>",
    ),
];

const NPM: &str = r#"{"name":"app","lockfileVersion":3,"packages":{"":{"name":"app","dependencies":{"a":"^1"},"devDependencies":{"b":"*"},"workspaces":["w/*"]},
"node_modules/a":{"version":"1.0.0","resolved":"https://registry.example/a-1.0.0.tgz","integrity":"sha512-AA==","dependencies":{"b":"*"},"license":"MIT"},
"node_modules/b":{"version":"2.0.0","dev":true,"peerDependencies":{"a":"1"}},"node_modules/a/node_modules/b":{"version":"1.0.0"},
"node_modules/x":{"resolved":"w/x","link":true},"w/x":{"version":"2.0.0"},"node_modules/al":{"name":"real","version":"3.0.0"}}}"#;
const NPM_OLD: &str = r#"{"name":"app","lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","requires":{"b":"*"},"dependencies":{"b":{"version":"1.0.0"}}},"b":{"version":"2.0.0","dev":true},"c":{"version":"git+https://git.example/c.git#0a","from":"c"}}}"#;
const YARN: &str = "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", a@1:\n  version \"1.0.0\"\n  resolved \"https://registry.example/a.tgz#00\"\n  integrity sha512-AA==\n  dependencies:\n    b \"*\"\n  optionalDependencies:\n    c \"1\"\n\nb@*:\n  version \"2.0.0\"\n";
const BERRY: &str = "__metadata:\n  version: 8\n  cacheKey: 10\n\n\"a@npm:^1.0.0, a@npm:1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  dependencies:\n    b: \"npm:*\"\n  checksum: 10/00\n  languageName: node\n  linkType: hard\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n  linkType: soft\n\n\"b@patch:b@npm%3A2.0.0#./x.patch\":\n  version: 2.0.0\n  resolution: \"b@patch:b@npm%3A2.0.0#./x.patch::version=2.0.0&hash=00\"\n";
const PNPM: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0(b@2.0.0)\n    devDependencies:\n      b:\n        specifier: '*'\n        version: 2.0.0\n      w:\n        specifier: workspace:*\n        version: link:w/x\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-AA==}\n    peerDependencies: {b: '*'}\n  b@2.0.0:\n    resolution: {tarball: https://registry.example/b.tgz}\nsnapshots:\n  a@1.0.0(b@2.0.0):\n    dependencies:\n      b: 2.0.0\n  b@2.0.0: {}\n";
const PNPM_OLD: &str = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1\ndependencies:\n  a: 1.0.0_b@2.0.0\npackages:\n  /a/1.0.0_b@2.0.0:\n    resolution: {integrity: sha512-AA==}\n    dev: false\n    dependencies:\n      b: 2.0.0\n  /b/2.0.0:\n    dev: true\n  registry.example/c/3.0.0:\n    name: c\n    version: 3.0.0\n";
const BUN: &str = "{\n  \"lockfileVersion\": 1, // text\n  \"workspaces\": {\"\": {\"name\": \"app\", \"dependencies\": {\"a\": \"^1\"}, \"devDependencies\": {\"b\": \"*\"},},},\n  \"packages\": {\n    \"a\": [\"a@1.0.0\", \"\", {\"dependencies\": {\"b\": \"*\"}}, \"sha512-AA==\"],\n    \"b\": [\"b@2.0.0\", \"\", {}, \"\"],\n    \"a/b\": [\"b@1.0.0\", \"\", {}, \"\"],\n    \"w\": [\"w@workspace:w\"],\n  },\n}\n";
const REQUIREMENTS: &str = "# x\n-r other-requirements.txt\n-c constraints.txt\n--index-url https://registry.example/simple\na==1.0 \\\n  --hash=sha256:00 # via b\nb[x,y]>=1,<2 ; python_version < \"3.9\"\nc @ https://registry.example/c-1.0-py3-none-any.whl#sha256=00\n-e ./local\nd\ngit+https://git.example/e.git@v1#egg=e\n";
const PIPFILE: &str = r#"{"_meta":{"hash":{"sha256":"00"},"pipfile-spec":6,"requires":{"python_version":"3.9"}},"default":{"a":{"hashes":["sha256:00"],"index":"x","markers":"python_version >= '3'","version":"==1.0"},"e":{"git":"https://git.example/e.git","ref":"00"}},"develop":{"b":{"version":"==2.0"}}}"#;
const POETRY: &str = "[[package]]\nname = \"a\"\nversion = \"1.0\"\noptional = false\ncategory = \"main\"\ngroups = [\"main\"]\nfiles = [{file = \"a.whl\", hash = \"sha256:00\"}]\n[package.dependencies]\nb = {version = \">=2\", markers = \"x\", optional = true}\nc = [{version = \"1\"}, {version = \"2\"}]\n[package.extras]\ny = [\"b (>=2)\"]\n\n[[package]]\nname = \"b\"\nversion = \"2.0\"\n[package.source]\ntype = \"git\"\nurl = \"https://git.example/b\"\n\n[metadata]\nlock-version = \"2.1\"\ncontent-hash = \"00\"\n";
const UV: &str = "version = 1\nrequires-python = \">=3.9\"\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\", extra = [\"x\"], marker = \"sys_platform == 'linux'\" }]\n[package.dev-dependencies]\ndev = [{ name = \"b\" }]\n[package.metadata]\nrequires-dist = [{ name = \"a\", specifier = \">=1\" }]\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { registry = \"https://registry.example/simple\" }\ndependencies = [{ name = \"b\", version = \"2.0\" }]\nwheels = [{ url = \"https://registry.example/a.whl\", hash = \"sha256:00\", size = 1 }]\n[[package]]\nname = \"b\"\nversion = \"2.0\"\nsource = { git = \"https://git.example/b?rev=1#0a\" }\n";
const PDM: &str = "[metadata]\ngroups = ['default', 'dev']\nlock_version = '4.5.0'\n[[package]]\nname = 'a'\nversion = '1.0'\ngroups = ['default']\ndependencies = ['b>=2; python_version < \"3.9\"']\nfiles = [{file = 'a.whl', hash = 'sha256:00'}]\n[[package]]\nname = 'b'\nversion = '2.0'\ngroups = ['dev']\nextras = ['x']\n";
const PYLOCK: &str = "lock-version = '1.0'\ncreated-by = 'x'\ndependency-groups = ['dev']\n[[packages]]\nname = 'a'\nversion = '1.0'\nmarker = \"'dev' in dependency_groups\"\ndependencies = [{name = 'b'}]\nwheels = [{name = 'a.whl', url = 'https://registry.example/a.whl', hashes = {sha256 = '00'}}]\n[[packages]]\nname = 'b'\n[packages.vcs]\ntype = 'git'\nurl = 'https://git.example/b'\ncommit-id = '00'\n[[packages]]\nname = 'c'\n[packages.directory]\npath = '.'\n";
const GO_MOD: &str = "module a.example/app\n\ngo 1.21\n\ntoolchain go1.22.1\n\nrequire (\n\tb.example/c v1.0.0\n\tb.example/d v0.0.0-20200101000000-abcdefabcdef // indirect\n)\nrequire e.example/f/v2 v2.1.0+incompatible\nreplace b.example/c v1.0.0 => g.example/c v1.1.0\nreplace e.example/f/v2 => ../f\nexclude b.example/d v1.0.0\nretract [v1.0.0, v1.1.0]\n";
const GO_SUM: &str = "b.example/c v1.0.0 h1:AA=\nb.example/c v1.0.0/go.mod h1:AA=\nh.example/i v0.1.0 h1:BB=\n";
const CARGO_LOCK: &str = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n \"b 2.0.0 (registry+https://registry.example/index)\",\n]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://registry.example/index\"\nchecksum = \"00\"\ndependencies = [\"b\"]\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"git+https://git.example/b?rev=1#0a\"\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n[metadata]\n\"checksum a 1.0.0 (registry+https://registry.example/index)\" = \"00\"\n";
const CARGO_TOML: &str = "[workspace]\nmembers = [\"w/*\", \".\"]\nexclude = [\"w/x\"]\n[workspace.dependencies]\na = { version = \"1\", features = [] }\n[package]\nname = \"app\"\nversion.workspace = true\n[dependencies]\na.workspace = true\n[dev-dependencies]\nb = \">=1, <3\"\n[target.'cfg(unix)'.build-dependencies]\nc = { package = \"d\", path = \"../d\" }\n";
const COMPOSER: &str = r#"{"content-hash":"00","packages":[{"name":"a/b","version":"v1.0.0","require":{"php":">=8","c/d":"*"},"license":["MIT"],"dist":{"shasum":"00"}}],"packages-dev":[{"name":"c/d","version":"dev-main"}],"platform":{}}"#;
const NUGET: &str = r#"{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","requested":"[1.0, )","resolved":"1.0.0","contentHash":"AA==","dependencies":{"B":"2.0.0"}},"B":{"type":"Transitive","resolved":"2.0.0"},"app":{"type":"Project","dependencies":{"A":"1"}}}}}"#;
const PROPS: &str = "<Project><PropertyGroup><V>1.0</V><W>$(V).1</W><X>$(X)</X></PropertyGroup><ItemGroup><PackageVersion Include=\"A\" Version=\"$(W)\"/><PackageVersion Update=\"B;C\"><Version>$(X)</Version></PackageVersion><GlobalPackageReference Include=\"D\" Version=\"[1,2)\"/></ItemGroup></Project>";
const DEPS: &str = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64"},"targets":{".NETCoreApp,Version=v6.0/linux-x64":{"app/1.0.0":{"dependencies":{"A":"1.0.0"},"runtime":{"app.dll":{}}},"A/1.0.0":{"runtime":{"lib/A.dll":{}}}}},"libraries":{"app/1.0.0":{"type":"project","sha512":""},"A/1.0.0":{"type":"package","serviceable":true,"sha512":"sha512-AA=="},"runtimepack.X.Runtime.linux-x64/6.0.1":{"type":"runtimepack"}}}"#;
const CONAN: &str = r#"{"version":"0.5","requires":["a/1.0#00%1600000000.0","b/2.0@user/channel#01"],"build_requires":["c/3.0"],"python_requires":[]}"#;
const CONAN_OLD: &str = r#"{"graph_lock":{"nodes":{"0":{"ref":"app/1.0","requires":["1"],"build_requires":["2"]},"1":{"ref":"a/1.0#00","requires":["1","9"]},"2":{"ref":"b/2.0","context":"build"}}},"version":"0.4"}"#;
const SBT: &str = r#"{"lockVersion":1,"configurations":["compile","test"],"dependencies":[{"org":"a.b","name":"c_2.13","version":"1.0","artifacts":[{"name":"c.jar","hash":"sha1:00"}],"configurations":["compile","runtime"]},{"org":"a.b","name":"t","version":"2.0","configurations":["test"]}]}"#;
const POM: &str = "<?xml version=\"1.0\"?>\n<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version><relativePath>parent/pom.xml</relativePath></parent><artifactId>app</artifactId><properties><w>${v}</w><x>${y}</x><y>${x}</y></properties><dependencyManagement><dependencies><dependency><groupId>a</groupId><artifactId>bom</artifactId><version>[1,2)</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>b</artifactId><version>${w}</version><scope>test</scope><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency><dependency><groupId>c</groupId><artifactId>d</artifactId><version>${x}</version></dependency></dependencies><profiles><profile><id>p</id><activation><activeByDefault>true</activeByDefault></activation></profile></profiles><modules><module>parent</module></modules></project>";
const BUNDLER: &str = "GIT\n  remote: https://git.example/e.git\n  revision: 00\n  specs:\n    e (0.1)\n\nGEM\n  remote: https://registry.example/\n  specs:\n    a (1.0)\n      b (~> 2.0, >= 2.0.1)\n    b (2.0.1-x86_64-linux)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a (~> 1)\n  e!\n\nCHECKSUMS\n  a (1.0) sha256=00\n\nBUNDLED WITH\n   2.4.1\n";
const PODS: &str = "PODS:\n  - A (1.0):\n    - B/Core (~> 2.0)\n    - B\n  - B (2.0)\n  - B/Core (2.0)\n\nDEPENDENCIES:\n  - A (= 1.0)\n  - B (from `https://git.example/b.git`, tag `2.0`)\n\nSPEC CHECKSUMS:\n  A: 00\n\nPODFILE CHECKSUM: 00\n\nCOCOAPODS: 1.12.0\n";
const SWIFT: &str = "{\n  \"pins\" : [\n    {\n      \"identity\" : \"a\",\n      \"kind\" : \"remoteSourceControl\",\n      \"location\" : \"https://git.example/x/a.git\",\n      \"state\" : { \"revision\" : \"00\", \"version\" : \"1.0.0\" }\n    },\n    { \"package\": \"B\", \"repositoryURL\": \"git@git.example:x/b.git\", \"state\": { \"branch\": \"main\", \"revision\": \"01\", \"version\": null } }\n  ],\n  \"version\" : 2\n}\n";
const PUB: &str = "packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      name: a\n      sha256: \"00\"\n      url: \"https://registry.example\"\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: transitive\n    description: {path: \"../b\", relative: true}\n    source: path\n    version: \"0.0.1\"\n  f:\n    dependency: \"direct dev\"\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\nsdks:\n  dart: \">=2.12.0 <3.0.0\"\n";
const MIX: &str = "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"00\", [:mix], [{:b, \"~> 2.0\", [hex: :b, repo: \"hexpm\", optional: false]}], \"hexpm\", \"00\"},\n  \"b\": {:hex, :b, \"2.0.1\", \"00\", [:rebar3], [], \"hexpm\", \"00\"},\n  \"c\": {:git, \"https://git.example/c.git\", \"00\", [tag: \"v1\"]},\n}\n";
const JULIA: &str = "julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n[[deps.JSON]]\ndeps = [\"Dates\", \"Parsers\"]\ngit-tree-sha1 = \"00\"\nuuid = \"682c06a0-de6a-54ab-a142-c8b1cf79cde6\"\nversion = \"0.21.4\"\n[[deps.Parsers]]\nuuid = \"69de0a69-1ddd-5017-9359-2bf0b02dc9f0\"\nversion = \"2.4.2\"\nrepo-url = \"https://git.example/p.git\"\n[deps.Parsers.deps]\nDates = \"ade2ca70\"\n[[deps.Dates]]\nuuid = \"ade2ca70-3891-5945-98fb-dc099432e06a\"\n";
const CONDA: &str = "name: env\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.9.1=h00_0\n  - conda-forge::numpy>=1.20,<2\n  - a==1.0\n  - pip:\n    - b==2.0\n    - -r requirements.txt\nprefix: /opt/x\nvariables: &v {x: 1}\nother: *v\n";
