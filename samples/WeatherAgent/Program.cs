WeatherAgent.Printer.Begin();
return WeatherAgent.CommandLine.Run(args, WeatherAgent.Session.RunAsync);
