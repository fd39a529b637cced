Console.WriteLine("contingious");
