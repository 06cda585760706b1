using System.Diagnostics;
using Xunit;

namespace Granary.Tests.Packaging;

/// <summary>The packages work where the repository isn't: an empty project restores them and runs.</summary>
[Trait("Speed", "Slow")]
public sealed class PackageTests
{
    private static readonly string _packages = Path.Combine(Repository.Root, "artifacts", "packages");

    [Fact]
    public async Task an_empty_project_restores_the_packages_and_runs()
    {
        var version = $"0.1.0-test.{DateTime.UtcNow:yyyyMMddHHmmss}";
        var folder = Directory.CreateTempSubdirectory("granary-package-").FullName;
        Directory.CreateDirectory(_packages);
        try
        {
            string[] properties = ["-c", "Release", $"-p:Version={version}", $"-p:ArtifactsPath={folder}/obj", "-p:PackageOutputPath=" + _packages, "-v", "quiet", "--nologo"];
            await DotnetAsync(Repository.Root, ["build", Path.Combine("src", "Silo"), .. properties]);
            foreach (var project in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories))
                await DotnetAsync(Repository.Root, ["pack", project, "--no-build", .. properties]);
            Assert.Equal(
                ["Abstractions", "Agents", "Client", "Grains", "Silo"],
                Directory.EnumerateFiles(_packages, $"*.{version}.nupkg").Select(f => Path.GetFileName(f).Split('.')[1]).Order());

            var app = Directory.CreateDirectory(Path.Combine(folder, "app")).FullName;
            File.Copy(Path.Combine(Repository.Root, "samples", "Quickstart", "Program.cs"), Path.Combine(app, "Program.cs"));
            await File.WriteAllTextAsync(Path.Combine(app, "app.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType>
                    <TargetFramework>net10.0</TargetFramework>
                    <Nullable>enable</Nullable>
                    <ImplicitUsings>enable</ImplicitUsings>
                    <RestoreAdditionalProjectSources>{_packages}</RestoreAdditionalProjectSources>
                  </PropertyGroup>
                  <ItemGroup>
                    <PackageReference Include="Granary.Silo" Version="{version}" />
                  </ItemGroup>
                </Project>
                """, TestContext.Current.CancellationToken);
            Assert.Contains("ticket to Oslo. [offline demo model]", await DotnetAsync(app, "run"), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            foreach (var file in Directory.EnumerateFiles(_packages, $"*{version}*"))
                File.Delete(file);
            RemoveFromCache(version);
        }
    }

    private static void RemoveFromCache(string version)
    {
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (var package in Directory.Exists(cache) ? Directory.EnumerateDirectories(cache, "granary.*") : [])
        {
            var folder = Path.Combine(package, version);
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> DotnetAsync(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} exited with {process.ExitCode}:\n{output}\n{await error}");
        return output;
    }
}
